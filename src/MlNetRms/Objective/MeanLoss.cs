using MlNetRms.Data;
using MlNetRms.Model;

namespace MlNetRms.Objective;

/// <summary>The mean loss of given weights over rows.</summary>
internal sealed class MeanLoss(RowStore rows, StandardizedLoss loss, CancellationToken cancellation)
{
    private readonly ParameterLayout _layout = new(rows.Layout);
    private readonly RowLosses _losses = new(rows, loss);

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
        _losses.Reset();
        for (long row = 0; row < rows.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            int wanted = (int)Math.Min(_losses.MostRows, rows.RowCount - row);
            row += _losses.Derivatives(row, rows.DenseRows(row, wanted), parameters).Length;
        }
        return _losses.Sum.Mean;
    }
}
