using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rules;

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
