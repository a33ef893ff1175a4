using MlNetRms.Data;
using MlNetRms.Model;

namespace MlNetRms.Objective;

/// <summary>The mean loss of given weights over rows.</summary>
internal sealed class MeanLoss(RowSet rows, StandardizedLoss loss, CancellationToken cancellation)
{
    private readonly ParameterLayout _layout = new(rows.Layout);

    /// <param name="byColumn">Weights of all columns, then the bias, in the units of the rows; rounded to float as the model's are.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public double Of(ReadOnlySpan<double> byColumn)
    {
        var rounded = new float[byColumn.Length];
        for (int column = 0; column < rounded.Length; column++)
            rounded[column] = (float)byColumn[column];
        var parameters = new float[_layout.Length];
        _layout.Arrange<float>(rounded, parameters);
        _layout.SetConstants(parameters);
        double[] sums = rows.Sum(part => OfPart(part, parameters));
        return new LossSum(sums[0], sums[1]).Mean;
    }

    private double[] OfPart(RowStore part, float[] parameters)
    {
        var losses = new RowLosses(part, loss);
        for (long row = 0; row < part.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            int wanted = (int)Math.Min(losses.MostRows, part.RowCount - row);
            row += losses.Derivatives(row, part.DenseRows(row, wanted), parameters).Length;
        }
        return [losses.Sum.Loss, losses.Sum.Weight];
    }
}
