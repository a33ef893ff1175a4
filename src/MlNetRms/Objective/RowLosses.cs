using System.Runtime.CompilerServices;
using MlNetRms.Data;
using MlNetRms.Kernels;

namespace MlNetRms.Objective;

/// <summary>Goes through rows a few at a time: their losses, and the derivatives of the losses by the predictions.</summary>
internal sealed class RowLosses(RowStore rows, StandardizedLoss loss)
{
    /// <summary>Rows taken at once, so that they are still in the first-level cache when the gradient needs them again.</summary>
    private const int CacheBytes = 24 * 1024;

    // A multiple of four: the kernels take four rows at once, and the order of their additions must not depend on how rows are grouped.
    private readonly float[] _derivatives = new float[Math.Clamp(CacheBytes / (sizeof(float) * rows.Layout.Stride) / 4 * 4, 4, 128)];

    /// <summary>Most rows that may be taken at once.</summary>
    public int MostRows => _derivatives.Length;

    /// <summary>Sums since <see cref="Reset"/>.</summary>
    public LossSum Sum { get; private set; }

    public void Reset() => Sum = default;

    /// <summary>Takes some rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="lanes">Their dense parts; at most <see cref="MostRows"/> rows.</param>
    /// <param name="parameters">All parameters, laid out as rows are.</param>
    /// <returns>c·ℓ'(ŷ, y) of each row; valid until the next call.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<float> Derivatives(long first, ReadOnlySpan<float> lanes, ReadOnlySpan<float> parameters)
    {
        RowLayout layout = rows.Layout;
        Span<float> residuals = _derivatives.AsSpan(0, lanes.Length / layout.Stride);
        LinearKernels.Residuals(lanes, parameters[..layout.Stride], residuals);
        if (layout.SparseCount > 0)
            AddSparsePredictions(first, parameters[layout.DenseLength..], residuals);

        if (loss.IsSquared && layout.WeightLane is null)
            Sum += new LossSum(0.5 * LinearKernels.SumOfSquares(residuals), residuals.Length);
        else
            WeighLosses(lanes, residuals);
        return residuals;
    }

    /// <summary>Turns residuals into c·ℓ'.</summary>
    private void WeighLosses(ReadOnlySpan<float> lanes, Span<float> residuals)
    {
        int stride = rows.Layout.Stride;
        (double lossSum, double weightSum) = Sum;
        for (int i = 0; i < residuals.Length; i++)
        {
            ReadOnlySpan<float> row = lanes.Slice(i * stride, stride);
            float weight = rows.Weight(row);
            float label = rows.Label(row);
            float residual = residuals[i];
            lossSum += weight * (loss.IsSquared ? 0.5 * residual * residual : loss.Value(residual + label, label));
            weightSum += weight;
            residuals[i] = weight * (loss.IsSquared ? residual : loss.Derivative(residual + label, label));
        }
        Sum = new LossSum(lossSum, weightSum);
    }

    private void AddSparsePredictions(long first, ReadOnlySpan<float> sparseWeights, Span<float> residuals)
    {
        for (int i = 0; i < residuals.Length; i++)
        {
            rows.SparseRow(first + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            residuals[i] += SparseKernels.Dot(places, values, sparseWeights);
        }
    }
}
