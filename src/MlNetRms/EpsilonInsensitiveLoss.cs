using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms;

/// <summary>
/// The ε-insensitive loss max(|ŷ − y| − ε, 0), in label units: errors up to ε cost nothing, as in support vector regression.
/// </summary>
/// <remarks>Source: Vapnik 1995. Immutable.</remarks>
public sealed class EpsilonInsensitiveLoss : IRegressionLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="epsilon">Half the width of the tube that costs nothing, in label units; finite, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="epsilon"/> is outside its range, or NaN.</exception>
    public EpsilonInsensitiveLoss(float epsilon)
    {
        Require.NonNegative(epsilon, nameof(epsilon));
        Epsilon = epsilon;
    }

    /// <summary>Half the width of the tube, in label units.</summary>
    public float Epsilon { get; }

    /// <inheritdoc/>
    public double Loss(float output, float label) => Math.Max(Math.Abs((double)output - label) - Epsilon, 0);

    /// <inheritdoc/>
    public float Derivative(float output, float label)
    {
        float residual = output - label;
        return MathF.Abs(residual) > Epsilon ? MathF.CopySign(1, residual) : 0 * residual;
    }

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "EpsilonInsensitiveLoss(epsilon: 0.1)".</returns>
    public override string ToString() => FormattableString.Invariant($"{nameof(EpsilonInsensitiveLoss)}(epsilon: {Epsilon})");
}
