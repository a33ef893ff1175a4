using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms;

/// <summary>
/// The quantile (pinball) loss: q·(y − ŷ) below the label, (1 − q)·(ŷ − y) above it, in label units: fits the conditional
/// q-quantile.
/// </summary>
/// <remarks>Source: Koenker and Bassett 1978. Its derivative at 0 is taken as 0. Immutable.</remarks>
public sealed class QuantileLoss : IRegressionLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="quantile">q, the share of labels that should lie below the prediction; greater than 0 and less than 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="quantile"/> is outside its range, or NaN.</exception>
    public QuantileLoss(float quantile)
    {
        if (!(quantile > 0 && quantile < 1))
            throw new ArgumentOutOfRangeException(nameof(quantile), quantile, "quantile must be in (0, 1).");
        Quantile = quantile;
    }

    /// <summary>q.</summary>
    public float Quantile { get; }

    /// <inheritdoc/>
    public double Loss(float output, float label)
    {
        double residual = (double)output - label;
        return residual < 0 ? -Quantile * residual : (1 - Quantile) * residual;
    }

    /// <inheritdoc/>
    public float Derivative(float output, float label) => (output - label) switch
    {
        < 0 => -Quantile,
        > 0 => 1 - Quantile,
        _ => 0,
    };

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "QuantileLoss(quantile: 0.9)".</returns>
    public override string ToString() => FormattableString.Invariant($"{nameof(QuantileLoss)}(quantile: {Quantile})");
}
