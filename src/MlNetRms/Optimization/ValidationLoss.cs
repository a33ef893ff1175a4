using MlNetRms.Examples;
using MlNetRms.Losses;

namespace MlNetRms.Optimization;

/// <summary>The mean loss over rows that are not trained on.</summary>
internal sealed class ValidationLoss(ExampleStore examples, StandardizedLoss? loss, CancellationToken cancellation)
{
    private readonly RowLoss _rows = new(examples, loss);

    /// <param name="parameters">All parameters: the dense part, then the weights of the sparse columns.</param>
    public double Mean(double[] parameters)
    {
        float[] rounded = Array.ConvertAll(parameters, value => (float)value);
        _rows.Reset();
        for (long row = 0; row < examples.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            int wanted = (int)Math.Min(int.MaxValue, examples.RowCount - row);
            row += _rows.Take(row, wanted, rounded, sparse: null, out _).Length;
        }
        return _rows.Loss / _rows.Weight;
    }
}
