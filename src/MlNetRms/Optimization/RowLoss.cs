using System.Runtime.CompilerServices;
using MlNetRms.Examples;
using MlNetRms.Kernels;
using MlNetRms.Losses;

namespace MlNetRms.Optimization;

/// <summary>Goes through rows a few at a time: their losses, and the derivatives of the losses by the predictions.</summary>
/// <param name="examples">The rows.</param>
/// <param name="loss">Null for half the squared residual.</param>
internal sealed class RowLoss(ExampleStore examples, StandardizedLoss? loss)
{
    /// <summary>Rows taken at once, so that they are still in the first-level cache when the gradient needs them again.</summary>
    private const int CacheBytes = 24 * 1024;

    private readonly float[] _derivatives = new float[Math.Clamp(CacheBytes / (sizeof(float) * examples.Stride) / 4 * 4, 4, 128)];

    /// <summary>Sum of the weighted losses since <see cref="Reset"/>.</summary>
    public double Loss { get; private set; }

    /// <summary>Sum of the weights since <see cref="Reset"/>.</summary>
    public double Weight { get; private set; }

    public void Reset()
    {
        Loss = 0;
        Weight = 0;
    }

    /// <summary>Takes the next rows: as many as are convenient, at most <paramref name="count"/>.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="count">Rows wanted; at least 1, and none beyond the last row.</param>
    /// <param name="parameters">Dense part of the parameters, and the weights of the sparse columns unless <paramref name="sparse"/> keeps them.</param>
    /// <param name="sparse">Keeps the weights of the sparse columns, or null.</param>
    /// <param name="rows">The dense parts of the rows taken.</param>
    /// <returns>c·ℓ'(ŷ, y) of the rows taken; valid until the next call.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<float> Take(long row, int count, ReadOnlySpan<float> parameters, SparseRmsProp? sparse, out ReadOnlySpan<float> rows)
    {
        int stride = examples.Stride;
        rows = examples.DenseRows(row, Math.Min(count, _derivatives.Length));
        Span<float> residuals = _derivatives.AsSpan(0, rows.Length / stride);
        LinearKernels.Residuals(rows, parameters[..stride], residuals);
        if (examples.SparseCount > 0)
            AddSparsePredictions(row, parameters[stride..], sparse, residuals);

        if (loss is null && examples.WeightLane is null)
        {
            Loss += 0.5 * LinearKernels.SumOfSquares(residuals);
            Weight += residuals.Length;
        }
        else
        {
            WeighLosses(rows, residuals);
        }
        return residuals;
    }

    /// <summary>Turns residuals into c·ℓ'.</summary>
    private void WeighLosses(ReadOnlySpan<float> rows, Span<float> residuals)
    {
        for (int i = 0; i < residuals.Length; i++)
        {
            ReadOnlySpan<float> row = rows.Slice(i * examples.Stride, examples.Stride);
            float weight = examples.WeightLane is { } lane ? row[lane] : 1;
            float residual = residuals[i];
            float label = row[examples.LabelLane];
            double value = loss?.Value(residual + label, label) ?? 0.5 * residual * residual;
            float derivative = loss?.Derivative(residual + label, label) ?? residual;
            Loss += weight * value;
            Weight += weight;
            residuals[i] = weight * derivative;
        }
    }

    private void AddSparsePredictions(long firstRow, ReadOnlySpan<float> sparseWeights, SparseRmsProp? sparse, Span<float> residuals)
    {
        for (int i = 0; i < residuals.Length; i++)
        {
            examples.SparseRow(firstRow + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            residuals[i] += sparse?.Dot(places, values) ?? SparseKernels.Dot(places, values, sparseWeights);
        }
    }
}
