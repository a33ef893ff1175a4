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
        double size = Math.Abs(((double)output - label) / Scale);
        return (double)Scale * Scale * (size < 1 ? SmallLogCosh(size) : LargeLogCosh(size));
    }

    /// <inheritdoc/>
    public float Derivative(float output, float label) => Scale * MathF.Tanh((output - label) / Scale);

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "LogCoshLoss(scale: 1)".</returns>
    public override string ToString() => FormattableString.Invariant($"{nameof(LogCoshLoss)}(scale: {Scale})");

    /// <summary>log(1 + v) with v = 2·sinh²(x/2), as 2·artanh(v / (2 + v)): the log of cosh x, a number near 1, would lose the digits of v.</summary>
    private static double SmallLogCosh(double x)
    {
        double root = Math.Sinh(x / 2);
        return 2 * Math.Atanh(root * root / (1 + root * root));
    }

    /// <summary>cosh overflows; |x| + log(1 + e^(−2|x|)) − log 2 does not.</summary>
    private static double LargeLogCosh(double x) => x + Math.Log(1 + Math.Exp(-2 * x)) - Math.Log(2);
}
