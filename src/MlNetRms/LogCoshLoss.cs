using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms;

/// <summary>
/// The log-cosh loss s²·log cosh(r / s): ½·r² for small residuals r = ŷ − y, s·|r| less a constant for large ones, smooth everywhere.
/// </summary>
/// <remarks>Immutable.</remarks>
public sealed class LogCoshLoss : IRegressionLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="scale">s, the size of residual about which the parabola turns into a line, in label units; finite, at least 1.18e-38.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="scale"/> is outside its range, or NaN.</exception>
    public LogCoshLoss(float scale = 1)
    {
        Require.Normal(scale, nameof(scale));
        Scale = scale;
    }

    /// <summary>s, in label units.</summary>
    public float Scale { get; }

    /// <inheritdoc/>
    public double Loss(float output, float label)
    {
        // cosh overflows; log cosh x = |x| + log(1 + e^(−2|x|)) − log 2 does not.
        double size = Math.Abs(((double)output - label) / Scale);
        return (double)Scale * Scale * (size + Math.Log(1 + Math.Exp(-2 * size)) - Math.Log(2));
    }

    /// <inheritdoc/>
    public float Derivative(float output, float label) => Scale * MathF.Tanh((output - label) / Scale);

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "HuberLoss(delta: 1)".</returns>
    public override string ToString() => FormattableString.Invariant($"{nameof(LogCoshLoss)}(scale: {Scale})");
}
