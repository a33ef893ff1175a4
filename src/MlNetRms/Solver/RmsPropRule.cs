using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>RMSProp as an update rule over arrays: <see cref="RmsPropFormula{T}"/> for vectors of coordinates, then for the remaining ones.</summary>
internal sealed class RmsPropRule(RuleSettings settings) : IUpdateRule
{
    public const string MeanSquare = nameof(MeanSquare);
    public const string Velocity = nameof(Velocity);
    public const string MeanGradient = nameof(MeanGradient);

    private readonly StepCoefficients _coefficients = new(LearningRate: 0, settings.Alpha, settings.Momentum,
        EpsilonInside: settings.EpsilonPlacement == EpsilonPlacement.InsideSquareRoot ? settings.Epsilon : 0,
        EpsilonOutside: settings.EpsilonPlacement == EpsilonPlacement.OutsideSquareRoot ? settings.Epsilon : 0,
        Correction: 1, settings.Centered);

    public RuleSettings Settings => settings;

    public static IReadOnlyList<string> AllStateNames { get; } = [MeanSquare, Velocity, MeanGradient];

    public IReadOnlyList<string> StateNames { get; } = settings.Centered ? [MeanSquare, Velocity, MeanGradient] : [MeanSquare, Velocity];

    // Fully optimised from the first call: a short training would otherwise end before the runtime replaces the quickly compiled code.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(Span<float> parameters, RuleState state, ReadOnlySpan<float> gradient, float learningRate)
    {
        state.StepCount++;
        if (settings.BiasCorrection)
        {
            state.AlphaPower *= settings.Alpha;
            // Below this the correction is 1 in float anyway, and an ever smaller product would end as a slow denormal.
            if (state.AlphaPower < 1e-20)
                state.AlphaPower = 0;
        }
        Step(parameters, state[0], state[1], state[settings.Centered ? 2 : 0], gradient, CoefficientsOf(state, learningRate));
    }

    /// <summary>The numbers of the step just taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public StepCoefficients CoefficientsOf(RuleState state, float learningRate) => _coefficients with
    {
        LearningRate = learningRate,
        Correction = settings.BiasCorrection ? (float)(1 / (1 - state.AlphaPower)) : 1,
    };

    /// <summary>
    /// w ← sign(w)·max(|w| − η·λ₁ / (√(ŝ + ε) + ε'), 0), then w ← max(w, lower).
    /// </summary>
    public void Proximal(Span<float> parameters, RuleState state, ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate)
    {
        var formula = new RmsPropFormula<Real>(CoefficientsOf(state, learningRate));
        ReadOnlySpan<float> meanSquare = state[0];
        for (int i = 0; i < parameters.Length; i++)
        {
            float move = formula.Move(Real.Of(meanSquare[i]), Real.Of(penalty[i])).Value;
            float size = MathF.Max(MathF.Abs(parameters[i]) - move, 0);
            parameters[i] = MathF.Max(MathF.CopySign(size, parameters[i]), lower[i]);
        }
    }

    /// <summary>The same on arrays; <paramref name="meanGradient"/> is not used unless centered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Step(Span<float> parameters, Span<float> meanSquare, Span<float> velocity, Span<float> meanGradient,
        ReadOnlySpan<float> gradient, in StepCoefficients step)
    {
        Debug.Assert(parameters.Length == gradient.Length && meanSquare.Length == gradient.Length);
        Debug.Assert(velocity.Length == gradient.Length && meanGradient.Length == gradient.Length);
        int whole = gradient.Length / Vector<float>.Count * Vector<float>.Count;
        Steps<RealVector>(parameters[..whole], meanSquare, velocity, meanGradient, gradient, step);
        if (whole < gradient.Length)
            Steps<Real>(parameters[whole..], meanSquare[whole..], velocity[whole..], meanGradient[whole..], gradient[whole..], step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Steps<T>(Span<float> parameters, Span<float> meanSquare, Span<float> velocity, Span<float> meanGradient,
        ReadOnlySpan<float> gradient, in StepCoefficients step) where T : struct, IReal<T>
    {
        var formula = new RmsPropFormula<T>(step);
        T alpha = T.Of(step.Alpha);
        Span<T> w = MemoryMarshal.Cast<float, T>(parameters);
        Span<T> s = MemoryMarshal.Cast<float, T>(meanSquare)[..w.Length];
        Span<T> v = MemoryMarshal.Cast<float, T>(velocity)[..w.Length];
        Span<T> m = MemoryMarshal.Cast<float, T>(meanGradient)[..w.Length];
        ReadOnlySpan<T> g = MemoryMarshal.Cast<float, T>(gradient)[..w.Length];
        for (int i = 0; i < w.Length; i++)
            formula.Step(ref w[i], ref s[i], ref v[i], ref m[i], g[i], alpha);
    }
}

/// <summary>How parameters change by a gradient. The rule itself is immutable; what it remembers is in a <see cref="RuleState"/>.</summary>
internal interface IUpdateRule
{
    /// <summary>What the rule keeps for each parameter.</summary>
    IReadOnlyList<string> StateNames { get; }

    /// <summary>Takes one step: changes <paramref name="parameters"/> and <paramref name="state"/> in place.</summary>
    /// <param name="parameters">The point.</param>
    /// <param name="state">Of as many parameters.</param>
    /// <param name="gradient">The gradient at that point; the same length.</param>
    /// <param name="learningRate">η of this step.</param>
    void Step(Span<float> parameters, RuleState state, ReadOnlySpan<float> gradient, float learningRate);

    /// <summary>
    /// Shrinks the parameters towards 0 by an L1 penalty, in the metric of the step just taken, and clamps them to a lower bound.
    /// </summary>
    /// <param name="parameters">The point, changed in place.</param>
    /// <param name="state">As <see cref="Step"/> left it.</param>
    /// <param name="penalty">λ₁ of each parameter.</param>
    /// <param name="lower">Least value of each parameter.</param>
    /// <param name="learningRate">As for the step before.</param>
    void Proximal(Span<float> parameters, RuleState state, ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate);
}

/// <summary>
/// The formula of <see cref="RmsProp"/> for one coordinate, or for as many coordinates as a vector holds. The dense, the
/// centered and the sparse path all call it; it is written nowhere else.
/// </summary>
internal readonly struct RmsPropFormula<T> where T : struct, IReal<T>
{
    private readonly T _eta;
    private readonly T _oneMinusAlpha;
    private readonly T _mu;
    private readonly T _inside;
    private readonly T _outside;
    private readonly T _correction;
    private readonly bool _centered;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RmsPropFormula(in StepCoefficients step)
    {
        _eta = T.Of(step.LearningRate);
        _oneMinusAlpha = T.Of(1 - step.Alpha);
        _mu = T.Of(step.Momentum);
        _inside = T.Of(step.EpsilonInside);
        _outside = T.Of(step.EpsilonOutside);
        _correction = T.Of(step.Correction);
        _centered = step.Centered;
    }

    /// <summary>One step.</summary>
    /// <param name="w">The parameter.</param>
    /// <param name="s">Mean of the squared gradients.</param>
    /// <param name="v">Velocity.</param>
    /// <param name="m">Mean of the gradients; not used unless centered.</param>
    /// <param name="g">The gradient.</param>
    /// <param name="decay">α; or αᵏ where the last k − 1 steps, whose gradient was 0, are made up for.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(ref T w, ref T s, ref T v, ref T m, T g, T decay)
    {
        // Through locals: a value read back from where it was just stored costs the latency of a store, several times in this chain.
        T newS = decay * s + _oneMinusAlpha * g * g;
        T meanSquare = newS * _correction;
        if (_centered)
        {
            T newM = decay * m + _oneMinusAlpha * g;
            // Not m̂²: at the first step ŝ = m̂², and the step would be η·g/ε. Rounding can leave a difference just below zero when the
            // gradient hardly changes, and the root of that is NaN.
            meanSquare = T.Max(meanSquare - newM * newM, T.Of(0));
            m = newM;
        }
        T newV = _mu * v + g / Root(meanSquare);
        w -= _eta * newV;
        (s, v) = (newS, newV);
    }

    /// <summary>η·g / (√(ŝ + ε) + ε'): how far a plain step (not centered, no momentum) moves for a gradient, given the mean square.</summary>
    public T Move(T s, T g) => _eta * g / Root(s * _correction);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Root(T meanSquare) => T.Sqrt(meanSquare + _inside) + _outside;
}

/// <summary>All that an update rule remembers from step to step: one number per parameter for each name, and a count.</summary>
internal sealed class RuleState
{
    private readonly float[][] _arrays;

    /// <param name="names">What the rule keeps for each parameter.</param>
    /// <param name="parameterCount">Length of each array; all start at 0.</param>
    public RuleState(IReadOnlyList<string> names, int parameterCount)
    {
        Names = names;
        _arrays = [.. names.Select(_ => new float[parameterCount])];
    }

    /// <summary>Names of the arrays, in their order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Steps taken, t.</summary>
    public long StepCount { get; set; }

    /// <summary>αᵗ, or 0 once it no longer matters.</summary>
    public double AlphaPower { get; set; } = 1;

    public float[] this[int index] => _arrays[index];

    public float[] this[string name] => _arrays[IndexOf(name)];

    private int IndexOf(string name)
    {
        for (int i = 0; i < Names.Count; i++)
        {
            if (Names[i] == name)
                return i;
        }
        throw new ArgumentException($"There is no '{name}'; there are {string.Join(", ", Names)}.", nameof(name));
    }
}

/// <summary>The numbers of one step that are the same for every coordinate.</summary>
/// <param name="LearningRate">η, already taken from the schedule.</param>
/// <param name="Alpha">α, the weight of the old mean square.</param>
/// <param name="Momentum">μ; 0 for none.</param>
/// <param name="EpsilonInside">Added to ŝ under the root; 0 when epsilon is outside.</param>
/// <param name="EpsilonOutside">Added to the root; 0 when epsilon is inside.</param>
/// <param name="Correction">1 / (1 − αᵗ) with bias correction, else 1.</param>
/// <param name="Centered">Whether to divide by the standard deviation of the gradient instead of its root mean square.</param>
internal readonly record struct StepCoefficients(
    float LearningRate, float Alpha, float Momentum, float EpsilonInside, float EpsilonOutside, float Correction, bool Centered);
