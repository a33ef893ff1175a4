using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// The L2 penalty and gradient clipping, applied to the gradient before a step, and the L1 penalty and the lower bound, applied to the weights after
/// it. None of them acts on the bias.
/// </summary>
internal sealed class Penalties
{
    private readonly PenaltySettings _settings;
    private readonly float _l2;
    private readonly RowLayout _layout;
    private readonly float[]? _penalty;
    private readonly float[]? _lower;

    /// <param name="settings">L1, the bound and clipping.</param>
    /// <param name="l2">λ as it takes effect.</param>
    /// <param name="layout">The order of the parameters.</param>
    public Penalties(PenaltySettings settings, float l2, RowLayout layout)
    {
        _settings = settings;
        _l2 = l2;
        _layout = layout;
        if (settings is { L1: 0, NonNegativeWeights: false })
            return;
        _penalty = new float[layout.Length];
        _lower = new float[layout.Length];
        Array.Fill(_lower, float.NegativeInfinity);
        foreach (Range weights in layout.Weights)
        {
            _penalty.AsSpan(weights).Fill(settings.L1);
            if (settings.NonNegativeWeights)
                _lower.AsSpan(weights).Clear();
        }
    }

    /// <summary>Adds λ·w to a mean gradient, then shortens the gradient to the largest norm.</summary>
    public void ApplyBefore(Span<float> gradient, ReadOnlySpan<float> parameters)
    {
        if (_l2 > 0)
        {
            foreach (Range weights in _layout.Weights)
                LinearKernels.AddScaled(gradient[weights], _l2, parameters[weights]);
        }
        if (_settings.GradientClippingNorm is { } limit)
            Clip(gradient, limit);
    }

    /// <summary>Shrinks the weights towards 0 and clamps them to the bound.</summary>
    public void ApplyAfter(Parameters parameters, float learningRate)
    {
        if (_penalty is not null)
            parameters.StepProximal(_penalty, _lower, learningRate);
    }

    private static void Clip(Span<float> gradient, float limit)
    {
        float norm = MathF.Sqrt(LinearKernels.SumOfSquares(gradient));
        // Squares overflow long before the gradient does. The factor limit / ∞ would then be 0, and training would silently stall.
        if (float.IsInfinity(norm))
            norm = LongNorm(gradient);
        if (norm > limit)
            LinearKernels.Scale(gradient, limit / norm);
    }

    private static float LongNorm(ReadOnlySpan<float> gradient)
    {
        double squares = 0;
        foreach (float g in gradient)
            squares += (double)g * g;
        return (float)Math.Sqrt(squares);
    }
}

/// <summary>
/// The exact zeros of an L1 penalty or a bound at 0, which averaged weights rarely reach. A weight is set to 0 if, given the others, the optimality
/// condition holds at 0. Let g = Σ c·ℓ'(ŷ − w·x)·x / Σ c be the gradient without the weight's own contribution to the predictions ŷ; the condition is
/// |g| ≤ λ₁ or, if weights must not be negative, g ≥ −λ₁. (An L2 penalty has no gradient at 0.)
/// </summary>
internal sealed class ExactZeros(RowSet rows, StandardizedLoss loss, PenaltySettings penalties, CancellationToken cancellation)
{
    /// <summary>Whether there are exact zeros at all.</summary>
    public bool IsNeeded => penalties.NeedsWeights;

    /// <summary>Sets weights to 0 in place. Takes one pass over the rows, with one derivative per value that is not 0.</summary>
    /// <param name="byColumn">Weights of all columns, then the bias.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Apply(double[] byColumn)
    {
        double[] weights = new double[rows.Layout.DenseLength + rows.Layout.SparseCount];
        for (int column = 0; column < byColumn.Length; column++)
            weights[rows.Layout.Position(column)] = byColumn[column];
        double[] sums = rows.Sum(shard => SumShard(shard, weights));
        ReadOnlySpan<double> gradient = sums.AsSpan(..^1);
        double weightSum = sums[^1];
        for (int column = 0; column < rows.Layout.ColumnCount; column++)
        {
            double g = gradient[rows.Layout.Position(column)] / weightSum;
            if (g >= -penalties.L1 && (penalties.NonNegativeWeights || g <= penalties.L1))
                byColumn[column] = 0;
        }
    }

    /// <returns>The gradient, then the sum of the weights.</returns>
    private double[] SumShard(PackedRows shard, double[] weights)
    {
        var sums = new double[weights.Length + 1];
        for (long row = 0; row < shard.RowCount; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            sums[^1] += AddRow(shard, row, weights, sums.AsSpan(..^1));
        }
        return sums;
    }

    /// <returns>The row's weight.</returns>
    private double AddRow(PackedRows rows, long row, double[] weights, Span<double> gradient)
    {
        RowLayout layout = rows.Layout;
        ReadOnlySpan<float> lanes = rows.DenseRows(row, 1);
        ReadOnlySpan<int> positions = [];
        ReadOnlySpan<float> values = [];
        if (layout.SparseCount > 0)
            rows.SparseRow(row, out positions, out values);
        Span<double> sparseWeights = weights.AsSpan(layout.DenseLength);
        Span<double> sparseGradient = gradient[layout.DenseLength..];
        double prediction = weights[layout.BiasLane];
        for (int lane = 0; lane < layout.DenseCount; lane++)
            prediction += weights[lane] * lanes[lane];
        for (int k = 0; k < positions.Length; k++)
            prediction += sparseWeights[positions[k]] * values[k];

        float label = rows.Label(lanes);
        double rowWeight = rows.Weight(lanes);
        for (int lane = 0; lane < layout.DenseCount; lane++)
            gradient[lane] += rowWeight * DerivativeWithout(weights[lane] * lanes[lane]) * lanes[lane];
        for (int k = 0; k < positions.Length; k++)
            sparseGradient[positions[k]] += rowWeight * DerivativeWithout(sparseWeights[positions[k]] * values[k]) * values[k];
        return rowWeight;

        double DerivativeWithout(double contribution) => loss.IsSquared
            ? prediction - contribution - label
            : loss.Derivative((float)(prediction - contribution), label);
    }
}
