using MlNetRms.Data;
using MlNetRms.Settings;

namespace MlNetRms.Objective;

/// <summary>A loss in label units, as training sees it on standardised predictions and labels.</summary>
/// <remarks>
/// The derivative is divided by its root mean square over the rows at the constant prediction ȳ, so that ε and the
/// penalties mean the same for every loss and every unit of the label; for the squared loss that is the standard
/// deviation of the label. What is minimised is then mean ℓ / (σ·D) + ½·λ·‖w‖² with the label's standard deviation σ and
/// this divisor D. Without standardisation D is 1.
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
        double[] sums = rows.Sum(part => SquaredDerivatives(part, cancellation));
        double meanSquare = sums[0] / sums[1];
        if (meanSquare > 0 && double.IsFinite(meanSquare))
            _derivativeFactor = (float)Math.Min(1 / Math.Sqrt(meanSquare), float.MaxValue);
    }

    /// <summary>Whether training computes with half the squared residual, for which <see cref="Value"/> and <see cref="Derivative"/> need not be called.</summary>
    public bool IsSquared => _loss.IsSquared;

    /// <summary>What turns a mean loss as training computes it into a mean of the loss in label units.</summary>
    // The squared loss is computed in standardised units, and its own constant, ½ or 1, is that of a residual of 1.
    public double ReportFactor => IsSquared ? 2 * _loss.Value(1, 0) * _labelScale * _labelScale : 1;

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

    /// <summary>Their weighted sum at the constant prediction, and the sum of the weights.</summary>
    private double[] SquaredDerivatives(RowStore rows, CancellationToken cancellation)
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
