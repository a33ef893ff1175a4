using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms;

/// <summary>
/// Huber's loss: ½·r² up to |r| = δ, then δ·(|r| − ½·δ), with the residual r = ŷ − y in label units. Near the optimum it
/// is the squared loss; a far outlier pulls no harder than one at δ.
/// </summary>
/// <remarks>Source: Huber 1964. Immutable.</remarks>
public sealed class HuberLoss : IRegressionLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="delta">δ, where the loss turns from a parabola into a line, in label units; finite, at least 1.18e-38. About
    /// 1.35 standard deviations of the noise keeps 95 % of the efficiency of least squares.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delta"/> is outside its range, or NaN.</exception>
    public HuberLoss(float delta = 1)
    {
        Require.Normal(delta, nameof(delta));
        Delta = delta;
    }

    /// <summary>δ, in label units.</summary>
    public float Delta { get; }

    /// <inheritdoc/>
    public double Loss(float output, float label)
    {
        double size = Math.Abs((double)output - label);
        return size <= Delta ? 0.5 * size * size : Delta * (size - 0.5 * Delta);
    }

    /// <inheritdoc/>
    public float Derivative(float output, float label) => Math.Clamp(output - label, -Delta, Delta);

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "HuberLoss(delta: 1)".</returns>
    public override string ToString() => FormattableString.Invariant($"{nameof(HuberLoss)}(delta: {Delta})");
}
