using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;


namespace MlNetRms;

/// <summary>
/// How the learning rate changes during training: a pure function from the step and the total number of steps to a
/// factor that multiplies <see cref="RmsPropRegressionTrainer.Options.LearningRate"/>. Immutable and thread-safe.
/// </summary>
/// <remarks>With a rate that falls to zero, training ends near the optimum; with a constant rate, RMSProp keeps oscillating around it.</remarks>
public sealed class LearningRateSchedule
{
    private readonly Func<long, long, double> _factor;

    private LearningRateSchedule(string name, Func<long, long, double> factor, string? kind = null, params double[] constants)
    {
        Name = name;
        _factor = factor;
        Kind = kind;
        Constants = constants;
    }

    /// <summary>The name in reports and messages.</summary>
    public string Name { get; }

    /// <summary>The member that created the schedule; null for a custom one.</summary>
    internal string? Kind { get; }

    /// <summary>The arguments it was created with.</summary>
    internal IReadOnlyList<double> Constants { get; }

    /// <summary>The factor is always 1.</summary>
    public static LearningRateSchedule Constant { get; } = new("constant", (_, _) => 1, nameof(Constant));

    /// <summary>½·(1 + cos(π·step / total)): from 1 to 0, slow at both ends.</summary>
    /// <remarks>Source: Loshchilov and Hutter 2017, eq. 5, without restarts.</remarks>
    public static LearningRateSchedule CosineToZero { get; } =
        new("cosine to zero", (step, total) => 0.5 * (1 + Math.Cos(Math.PI * step / total)), nameof(CosineToZero));

    /// <summary>The default of the options. If the number of epochs is automatic, the constant part is as long as the averaged part.</summary>
    internal static LearningRateSchedule Default { get; } = CosineThenConstant();

    /// <summary>From 1 down to <paramref name="floor"/> along half a cosine over the first steps, then constant. The default schedule.</summary>
    /// <param name="floor">The factor of the last steps; in [0, 1].</param>
    /// <param name="decayFraction">Fraction of the steps over which the factor falls; in (0, 1].</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range, or NaN.</exception>
    /// <remarks>Average the weights over the constant part, where the noise of the mini-batches cancels.</remarks>
    public static LearningRateSchedule CosineThenConstant(double floor = 0.03, double decayFraction = 0.8)
    {
        if (!(floor >= 0 && floor <= 1))
            throw new ArgumentOutOfRangeException(nameof(floor), floor, "floor must be in [0, 1].");
        if (!(decayFraction > 0 && decayFraction <= 1))
            throw new ArgumentOutOfRangeException(nameof(decayFraction), decayFraction, "decayFraction must be in (0, 1].");
        return new(FormattableString.Invariant($"cosine to {floor} over {decayFraction} of the steps, then constant"), (step, total) =>
        {
            double progress = step / (decayFraction * total);
            return progress >= 1 ? floor : floor + (1 - floor) * 0.5 * (1 + Math.Cos(Math.PI * progress));
        }, nameof(CosineThenConstant), floor, decayFraction);
    }

    /// <summary>1 − step / total: from 1 to 0 in a straight line.</summary>
    public static LearningRateSchedule LinearToZero { get; } =
        new("linear to zero", (step, total) => 1 - (double)step / total, nameof(LinearToZero));

    /// <summary>1 / √(1 + step / <paramref name="decaySteps"/>): decreases for ever, whatever the total.</summary>
    /// <param name="decaySteps">Steps after which the factor is 1/√2; at least 1.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="decaySteps"/> is less than 1.</exception>
    public static LearningRateSchedule InverseSquareRoot(long decaySteps = 100)
    {
        Require.AtLeastOne(decaySteps, nameof(decaySteps));
        return new($"inverse square root ({decaySteps})", (step, _) => 1 / Math.Sqrt(1 + (double)step / decaySteps), nameof(InverseSquareRoot), decaySteps);
    }

    /// <summary><paramref name="factor"/> to the power ⌊step / <paramref name="stepsPerDrop"/>⌋: constant between drops.</summary>
    /// <param name="factor">What each drop multiplies the rate by; in (0, 1].</param>
    /// <param name="stepsPerDrop">Steps between two drops; at least 1.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range, or NaN.</exception>
    public static LearningRateSchedule StepDecay(double factor, long stepsPerDrop)
    {
        if (!(factor > 0 && factor <= 1))
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "factor must be in (0, 1].");
        Require.AtLeastOne(stepsPerDrop, nameof(stepsPerDrop));
        return new(FormattableString.Invariant($"step decay ({factor} every {stepsPerDrop})"),
            (step, _) => Math.Pow(factor, step / stepsPerDrop), nameof(StepDecay), factor, stepsPerDrop);
    }

    /// <summary>Creates a custom schedule.</summary>
    /// <param name="name">The name in reports and messages.</param>
    /// <param name="factor">Returns the factor, finite and at least 0, from the step (0 for the first) and the total
    /// number of steps. It must be a pure function, because training is reproducible only if the schedule is.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> or <paramref name="factor"/> is null.</exception>
    public static LearningRateSchedule Custom(string name, Func<long, long, double> factor)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(factor);
        return new(name, factor);
    }

    /// <summary>The factor at a step.</summary>
    /// <param name="step">Steps taken before this one: 0 for the first.</param>
    /// <param name="totalSteps">Steps in the whole training; at least 1.</param>
    /// <returns>The factor of the learning rate.</returns>
    /// <exception cref="InvalidOperationException">A custom schedule returned a negative, infinite or NaN factor.</exception>
    public double Factor(long step, long totalSteps)
    {
        double factor = _factor(step, totalSteps);
        if (!(factor >= 0 && double.IsFinite(factor)))
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The learning rate schedule '{Name}' gave {factor} at step {step} of {totalSteps}; it must be a finite number, 0 or greater."));
        return factor;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
