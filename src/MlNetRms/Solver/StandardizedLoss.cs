using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>A loss in label units, applied to standardised predictions and labels.</summary>
/// <remarks>
/// The derivative is divided by its root mean square D over the rows at the constant prediction ȳ, so that ε and the penalties mean the same for
/// every loss and every unit of the label; for the squared loss D is the standard deviation of the label. Training then minimises
/// mean ℓ / (σ·D) + ½·λ·‖w‖², where σ is the label's standard deviation. Without standardisation D is 1.
/// </remarks>
internal sealed class StandardizedLoss
{
    private readonly LossSettings _loss;
    private readonly double _labelCenter;
    private readonly double _labelScale;
    private readonly float _derivativeFactor = 1;

    /// <param name="loss">The loss in label units.</param>
    /// <param name="scaling">The units of training.</param>
    /// <param name="rows">The training rows.</param>
    /// <param name="cancellation">Ends the pass over them.</param>
    public StandardizedLoss(LossSettings loss, Scaling scaling, RowSet rows, CancellationToken cancellation)
    {
        _loss = loss;
        _labelCenter = scaling.LabelCenter;
        _labelScale = scaling.LabelStandardDeviation;
        if (IsSquared || !scaling.IsOn)
            return;
        double[] sums = rows.Sum(shard => SquaredDerivatives(shard, cancellation));
        double meanSquare = sums[0] / sums[1];
        if (meanSquare > 0 && double.IsFinite(meanSquare))
            _derivativeFactor = (float)Math.Min(1 / Math.Sqrt(meanSquare), float.MaxValue);
    }

    /// <summary>Whether the loss is half the squared residual. Callers then need neither <see cref="Value"/> nor <see cref="Derivative"/>.</summary>
    public bool IsSquared => _loss.IsSquared;

    /// <summary>Factor from a mean loss in the units of training to one in label units.</summary>
    // The squared loss is computed in standardised units; its own constant, ½ or 1, is its value at a residual of 1.
    public double ReportFactor => IsSquared ? 2 * _loss.Value(1, 0) * _labelScale * _labelScale : 1;

    /// <summary>Factor from <see cref="Value"/> to the objective, whose derivative is <see cref="Derivative"/>.</summary>
    public double ObjectiveFactor => IsSquared ? 1 : _derivativeFactor / _labelScale;

    /// <summary>The loss: half the squared standardised residual, or any other in its own units.</summary>
    public double Value(float prediction, float label)
    {
        if (!IsSquared)
            return _loss.Value(Raw(prediction), Raw(label));
        float residual = prediction - label;
        return 0.5 * residual * residual;
    }

    /// <summary>The derivative by the standardised prediction, as training uses it.</summary>
    public float Derivative(float prediction, float label) =>
        IsSquared ? prediction - label : _derivativeFactor * _loss.Derivative(Raw(prediction), Raw(label));

    /// <returns>The weighted sum of the squared derivatives at the constant prediction, and the sum of the weights.</returns>
    private double[] SquaredDerivatives(PackedRows rows, CancellationToken cancellation)
    {
        double sum = 0;
        double weights = 0;
        for (long position = 0; position < rows.RowCount; position++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> row = rows.DenseRows(position, 1);
            double weight = rows.Weight(row);
            sum += weight * Math.Pow(Derivative(0, rows.Label(row)), 2);
            weights += weight;
        }
        return [sum, weights];
    }

    private float Raw(float standardized) => (float)(_labelCenter + _labelScale * standardized);
}

/// <summary>Computes the losses of rows, a few rows at a time, and their derivatives by the predictions.</summary>
internal sealed class RowLosses(PackedRows rows, StandardizedLoss loss)
{
    /// <summary>This many bytes of rows are still in the first-level cache when the gradient needs them again.</summary>
    private const int CacheBytes = 24 * 1024;

    // A multiple of four, because the kernels take four rows at once and the order of their additions must not depend on how rows are grouped.
    private readonly float[] _derivatives = new float[Math.Clamp(CacheBytes / (sizeof(float) * rows.Layout.Stride) / 4 * 4, 4, 128)];

    /// <summary>The most rows that one call may take.</summary>
    public int MostRows => _derivatives.Length;

    /// <summary>Sums since <see cref="Reset"/>.</summary>
    public LossSum Sum { get; private set; }

    public void Reset() => Sum = default;

    /// <summary>Takes some rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="lanes">Their dense parts; at most <see cref="MostRows"/> rows.</param>
    /// <param name="parameters">All parameters, in the order of a row's lanes.</param>
    /// <returns>c·ℓ'(ŷ, y) of each row; valid until the next call.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<float> Derivatives(long first, ReadOnlySpan<float> lanes, ReadOnlySpan<float> parameters)
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
            rows.SparseRow(first + i, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            residuals[i] += SparseKernels.Dot(positions, values, sparseWeights);
        }
    }
}

/// <summary>Computes the mean loss over rows for given weights, in one pass.</summary>
internal sealed class MeanLoss(RowSet rows, StandardizedLoss loss, CancellationToken cancellation)
{
    /// <param name="byColumn">Weights of all columns, then the bias, in the units of the rows; they are rounded to float, as the model's are.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public double Compute(ReadOnlySpan<double> byColumn)
    {
        var rounded = new float[byColumn.Length];
        for (int column = 0; column < rounded.Length; column++)
            rounded[column] = (float)byColumn[column];
        var parameters = new float[rows.Layout.Length];
        rows.Layout.Arrange<float>(rounded, parameters);
        rows.Layout.SetConstants(parameters);
        double[] sums = rows.Sum(shard => ComputeShard(shard, parameters));
        return new LossSum(sums[0], sums[1]).Mean;
    }

    private double[] ComputeShard(PackedRows shard, float[] parameters)
    {
        var losses = new RowLosses(shard, loss);
        for (long row = 0; row < shard.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            int wanted = (int)Math.Min(losses.MostRows, shard.RowCount - row);
            row += losses.Derivatives(row, shard.DenseRows(row, wanted), parameters).Length;
        }
        return [losses.Sum.Loss, losses.Sum.Weight];
    }
}
