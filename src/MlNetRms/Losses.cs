using Microsoft.ML.Trainers;
using MlNetRms.Settings;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms;

/// <summary>
/// Huber's loss: ½·r² up to |r| = δ, then δ·(|r| − ½·δ), with the residual r = ŷ − y in label units. Small residuals
/// count as in the squared loss; an outlier pulls no harder than a residual of δ.
/// </summary>
/// <remarks>Source: Huber 1964. Immutable.</remarks>
public sealed class HuberLoss : IRegressionLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="delta">δ, where the loss turns from a parabola into a line, in label units; finite and greater than 0 (at
    /// least 1.18e-38). A δ of 1.35 standard deviations of the noise keeps 95 % of the efficiency of least squares.</param>
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

/// <summary>The absolute loss |ŷ − y|, in label units. It fits the conditional median.</summary>
/// <remarks>Its derivative at 0 is taken as 0. Immutable.</remarks>
public sealed class AbsoluteLoss : IRegressionLoss
{
    /// <inheritdoc/>
    public double Loss(float output, float label) => Math.Abs((double)output - label);

    /// <inheritdoc/>
    public float Derivative(float output, float label) => (output - label) switch
    {
        < 0 => -1,
        > 0 => 1,
        0 => 0,
        float residual => residual,        // NaN
    };

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "AbsoluteLoss".</returns>
    public override string ToString() => nameof(AbsoluteLoss);
}

/// <summary>
/// The quantile (pinball) loss: q·(y − ŷ) below the label, (1 − q)·(ŷ − y) above it, in label units. It fits the conditional
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

/// <summary>
/// The log-cosh loss s²·log cosh(r / s): ½·r² for small residuals r = ŷ − y, s·|r| minus a constant for large ones, and smooth everywhere.
/// </summary>
/// <remarks>Immutable.</remarks>
public sealed class LogCoshLoss : IRegressionLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="scale">s, the size of residual around which the parabola turns into a line, in label units; finite and greater than 0 (at least
    /// 1.18e-38).</param>
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

    /// <summary>log(1 + v) with v = 2·sinh²(x/2), as 2·artanh(v / (2 + v)): cosh x is near 1, so its logarithm would lose the digits of v.</summary>
    private static double SmallLogCosh(double x)
    {
        double root = Math.Sinh(x / 2);
        return 2 * Math.Atanh(root * root / (1 + root * root));
    }

    /// <summary>|x| + log(1 + e^(−2|x|)) − log 2, because cosh would overflow.</summary>
    private static double LargeLogCosh(double x) => x + Math.Log(1 + Math.Exp(-2 * x)) - Math.Log(2);
}

/// <summary>Turns ML.NET's loss objects into the functions that training uses.</summary>
internal static class LossFunctions
{
    /// <param name="loss">Null for half the squared residual.</param>
    public static LossSettings Bind(IRegressionLoss? loss) => loss is null
        ? LossSettings.HalfSquared
        : new LossSettings(loss.ToString() ?? loss.GetType().Name, IsSquared: loss is SquaredLoss, loss.Loss, loss.Derivative);

    /// <exception cref="ArgumentException">The loss is not for a model that predicts the label itself.</exception>
    /// <inheritdoc cref="RangeCheck"/>
    public static void Check(object? loss, string name, string parameter)
    {
        if (loss is PoissonLoss or TweedieLoss)
            throw new ArgumentException(
                $"{nameof(Options.LossFunction)} {loss.GetType().Name} is for models whose score is the logarithm of the mean, or a positive mean; " +
                "this model's score w·x + b is the mean itself and may be negative. " +
                "For counts use mlContext.Regression.Trainers.LbfgsPoissonRegression.",
                parameter);
    }
}
