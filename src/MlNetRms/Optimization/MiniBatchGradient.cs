using MlNetRms.Examples;
using MlNetRms.Kernels;

namespace MlNetRms.Optimization;

/// <summary>
/// The function that training minimises, as the optimiser sees it: the mean half-squared error of a mini-batch and its
/// gradient, plus ½·λ·‖w‖².
/// </summary>
/// <remarks>
/// Parameters are laid out as the stored rows are: weights of the dense columns, bias, −1 against the label, zeros up to
/// <see cref="ExampleStore.Stride"/>, then the weights of the sparse columns. The gradient is 0 wherever there is no parameter.
/// </remarks>
internal sealed class MiniBatchGradient(ExampleStore examples, float l2Regularization)
{
    /// <summary>Rows taken at once, so that they are still in the first-level cache when the gradient needs them again.</summary>
    private const int BlockBytes = 24 * 1024;

    private readonly float[] _residuals = new float[Math.Clamp(BlockBytes / (sizeof(float) * examples.Stride) / 4 * 4, 4, 128)];

    public int ParameterCount => examples.Stride + examples.SparseCount;

    /// <summary>Sets <paramref name="gradient"/> to the mean gradient over <paramref name="count"/> rows from <paramref name="first"/> on.</summary>
    /// <returns>Sum of the weighted half-squared errors, and sum of the weights.</returns>
    public (double Loss, double Weight) Compute(long first, int count, ReadOnlySpan<float> parameters, Span<float> gradient)
    {
        gradient.Clear();
        double loss = 0;
        double weight = 0;
        int stride = examples.Stride;
        for (int done = 0; done < count;)
        {
            long row = first + done;
            if (row >= examples.RowCount)
                row -= examples.RowCount;
            int wanted = (int)Math.Min(Math.Min(count - done, _residuals.Length), examples.RowCount - row);
            ReadOnlySpan<float> rows = examples.DenseRows(row, wanted);
            Span<float> residuals = _residuals.AsSpan(0, rows.Length / stride);

            LinearKernels.Residuals(rows, parameters[..stride], residuals);
            AddSparsePredictions(row, parameters[stride..], residuals);
            weight += examples.WeightLane is { } lane
                ? WeighResiduals(rows, lane, residuals, ref loss)
                : UnitWeights(residuals, ref loss);
            LinearKernels.AddGradient(rows, residuals, gradient[..stride]);
            AddSparseGradient(row, residuals, gradient[stride..]);
            done += residuals.Length;
        }
        LinearKernels.Scale(gradient, (float)(1 / weight));
        gradient[(examples.BiasLane + 1)..stride].Clear();
        if (l2Regularization > 0)
        {
            LinearKernels.AddScaled(gradient[..examples.DenseCount], l2Regularization, parameters[..examples.DenseCount]);
            LinearKernels.AddScaled(gradient[stride..], l2Regularization, parameters[stride..]);
        }
        return (loss, weight);
    }

    private static double UnitWeights(ReadOnlySpan<float> residuals, ref double loss)
    {
        loss += 0.5 * LinearKernels.SumOfSquares(residuals);
        return residuals.Length;
    }

    /// <summary>Turns residuals into c·r, the derivatives of the weighted loss.</summary>
    private double WeighResiduals(ReadOnlySpan<float> rows, int weightLane, Span<float> residuals, ref double loss)
    {
        double sum = 0;
        for (int i = 0; i < residuals.Length; i++)
        {
            float weight = rows[i * examples.Stride + weightLane];
            loss += 0.5 * weight * residuals[i] * residuals[i];
            residuals[i] *= weight;
            sum += weight;
        }
        return sum;
    }

    private void AddSparsePredictions(long firstRow, ReadOnlySpan<float> sparseWeights, Span<float> residuals)
    {
        for (int i = 0; examples.SparseCount > 0 && i < residuals.Length; i++)
        {
            examples.SparseRow(firstRow + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            residuals[i] += SparseKernels.Dot(places, values, sparseWeights);
        }
    }

    private void AddSparseGradient(long firstRow, ReadOnlySpan<float> derivatives, Span<float> sparseGradient)
    {
        for (int i = 0; examples.SparseCount > 0 && i < derivatives.Length; i++)
        {
            examples.SparseRow(firstRow + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            SparseKernels.AddScaled(places, values, derivatives[i], sparseGradient);
        }
    }
}
