using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The formula of <see cref="RmsProp"/> with the numbers of one step, for a vector of parameters. It is written nowhere else.</summary>
/// <remarks>It does not use fused multiply-add, so each parameter gets the bits of the scalar formula, whatever its lane.</remarks>
/// <param name="settings">The constants.</param>
/// <param name="learningRate">η of the step.</param>
/// <param name="correction">1 / (1 − αᵗ) with bias correction, else 1.</param>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly struct RmsPropFormula(RuleSettings settings, float learningRate, float correction)
{
    private readonly Vector<float> _eta = new(learningRate);
    private readonly Vector<float> _oneMinusAlpha = new(1 - settings.Alpha);
    private readonly Vector<float> _mu = new(settings.Momentum);
    private readonly Vector<float> _inside = new(settings.EpsilonPlacement == EpsilonPlacement.InsideSquareRoot ? settings.Epsilon : 0);
    private readonly Vector<float> _outside = new(settings.EpsilonPlacement == EpsilonPlacement.OutsideSquareRoot ? settings.Epsilon : 0);
    private readonly Vector<float> _correction = new(correction);
    private readonly bool _centered = settings.Centered;

    /// <summary>One step.</summary>
    /// <param name="w">The parameters.</param>
    /// <param name="s">Mean of the squared gradients.</param>
    /// <param name="v">Velocity.</param>
    /// <param name="m">Mean of the gradients; not used unless centered.</param>
    /// <param name="g">The gradient.</param>
    /// <param name="decay">α, or αᵏ to catch up with k − 1 steps whose gradient was 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step(ref Vector<float> w, ref Vector<float> s, ref Vector<float> v, ref Vector<float> m, Vector<float> g, Vector<float> decay)
    {
        // Through locals: a value read back from where it was just stored costs the latency of a store, several times in this chain.
        Vector<float> newS = decay * s + _oneMinusAlpha * g * g;
        Vector<float> meanSquare = newS * _correction;
        if (_centered)
        {
            Vector<float> newM = decay * m + _oneMinusAlpha * g;
            // m is not corrected as s is: at the first step m̂² = ŝ, and the step would be η·g/ε. Rounding can leave a difference just below
            // zero if the gradient hardly changes, and the root of that is NaN.
            meanSquare = Vector.Max(meanSquare - newM * newM, Vector<float>.Zero);
            m = newM;
        }
        Vector<float> newV = _mu * v + g / Root(meanSquare);
        w -= _eta * newV;
        (s, v) = (newS, newV);
    }

    /// <summary>Proximal step of λ₁·|w| and of a lower bound: w ← max(sign(w)·max(|w| − η·λ₁ / (√(ŝ + ε) + ε'), 0), lower).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Shrink(ref Vector<float> w, Vector<float> s, Vector<float> penalty, Vector<float> lower)
    {
        Vector<float> move = _eta * penalty / Root(s * _correction);
        Vector<float> size = Vector.Max(Vector.Abs(w) - move, Vector<float>.Zero);
        w = Vector.Max(Vector.CopySign(size, w), lower);
    }

    /// <summary>√(ŝ + ε) + ε'; one of ε and ε' is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector<float> Root(Vector<float> meanSquare) => Vector.SquareRoot(meanSquare + _inside) + _outside;
}

/// <summary>RMSProp over arrays: the formula for whole vectors of parameters, then for the remaining parameters.</summary>
internal sealed class RmsPropRule : IUpdateRule
{
    private readonly RuleSettings _settings;
    private double _alphaPower = 1;

    /// <param name="settings">The constants.</param>
    /// <param name="parameterCount">Number of parameters.</param>
    public RmsPropRule(RuleSettings settings, int parameterCount)
    {
        _settings = settings;
        MeanSquare = new float[parameterCount];
        Velocity = new float[parameterCount];
        MeanGradient = settings.Centered ? new float[parameterCount] : null;
        State = MeanGradient is null
            ? [(nameof(MeanSquare), MeanSquare), (nameof(Velocity), Velocity)]
            : [(nameof(MeanSquare), MeanSquare), (nameof(Velocity), Velocity), (nameof(MeanGradient), MeanGradient)];
    }

    /// <summary>s, without bias correction.</summary>
    public float[] MeanSquare { get; }

    /// <summary>v.</summary>
    public float[] Velocity { get; }

    /// <summary>m; null unless centered.</summary>
    public float[]? MeanGradient { get; }

    public IReadOnlyList<(string Name, float[] Values)> State { get; }

    public long StepCount { get; private set; }

    // Fully optimised from the first call: a short training would otherwise end before the runtime replaces the quickly compiled code.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Step(Span<float> parameters, ReadOnlySpan<float> gradient, float learningRate)
    {
        Debug.Assert(parameters.Length == MeanSquare.Length && gradient.Length == MeanSquare.Length);
        CountStep();
        RmsPropFormula formula = Formula(learningRate);
        var alpha = new Vector<float>(_settings.Alpha);
        Vector<float> none = default;
        Span<Vector<float>> w = Vectors(parameters);
        Span<Vector<float>> s = Vectors(MeanSquare)[..w.Length];
        Span<Vector<float>> v = Vectors(Velocity)[..w.Length];
        Span<Vector<float>> m = Vectors(MeanGradient);
        ReadOnlySpan<Vector<float>> g = MemoryMarshal.Cast<float, Vector<float>>(gradient)[..w.Length];
        for (int i = 0; i < w.Length; i++)
            formula.Step(ref w[i], ref s[i], ref v[i], ref m.IsEmpty ? ref none : ref m[i], g[i], alpha);

        int done = w.Length * Vector<float>.Count;
        if (done == parameters.Length)
            return;
        (Vector<float> lastW, Vector<float> lastS) = (Load(parameters[done..]), Load(MeanSquare.AsSpan(done)));
        (Vector<float> lastV, Vector<float> lastM) = (Load(Velocity.AsSpan(done)), Load(MeanGradient is null ? [] : MeanGradient.AsSpan(done)));
        formula.Step(ref lastW, ref lastS, ref lastV, ref lastM, Load(gradient[done..]), alpha);
        Store(lastW, parameters[done..]);
        Store(lastS, MeanSquare.AsSpan(done));
        Store(lastV, Velocity.AsSpan(done));
        if (MeanGradient is not null)
            Store(lastM, MeanGradient.AsSpan(done));
    }

    public void Shrink(Span<float> parameters, ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate)
    {
        RmsPropFormula formula = Formula(learningRate);
        for (int i = 0; i < parameters.Length; i += Vector<float>.Count)
        {
            Vector<float> w = Load(parameters[i..]);
            formula.Shrink(ref w, Load(MeanSquare.AsSpan(i)), Load(penalty[i..]), Load(lower[i..]));
            Store(w, parameters[i..]);
        }
    }

    public void Restore(long stepCount)
    {
        (StepCount, _alphaPower) = (0, 1);
        while (StepCount < stepCount && _alphaPower > 0)
            CountStep();
        StepCount = stepCount;
    }

    /// <summary>The formula with the numbers of the step just taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RmsPropFormula Formula(float learningRate) =>
        new(_settings, learningRate, correction: _settings.BiasCorrection ? (float)(1 / (1 - _alphaPower)) : 1);

    private void CountStep()
    {
        StepCount++;
        _alphaPower *= _settings.Alpha;
        // Below this the correction is 1 in float anyway, and an ever smaller product would end as a slow denormal.
        if (_alphaPower < 1e-20)
            _alphaPower = 0;
    }

    /// <summary>The whole vectors of an array.</summary>
    private static Span<Vector<float>> Vectors(Span<float> values) => MemoryMarshal.Cast<float, Vector<float>>(values);

    /// <summary>The first values as a vector, with zeros behind the last.</summary>
    private static Vector<float> Load(ReadOnlySpan<float> values)
    {
        if (values.Length >= Vector<float>.Count)
            return new Vector<float>(values);
        Span<float> padded = stackalloc float[Vector<float>.Count];
        values.CopyTo(padded);
        return new Vector<float>(padded);
    }

    private static void Store(Vector<float> vector, Span<float> values)
    {
        if (!vector.TryCopyTo(values))
        {
            Span<float> padded = stackalloc float[Vector<float>.Count];
            vector.CopyTo(padded);
            padded[..values.Length].CopyTo(values);
        }
    }
}

/// <summary>How a gradient changes the parameters, and the state that the rule keeps from step to step.</summary>
internal interface IUpdateRule
{
    /// <summary>The state for each parameter, in the arrays that the rule itself uses; saved and restored by name.</summary>
    IReadOnlyList<(string Name, float[] Values)> State { get; }

    /// <summary>Steps taken, t.</summary>
    long StepCount { get; }

    /// <summary>Takes one step.</summary>
    /// <param name="parameters">The point, changed in place.</param>
    /// <param name="gradient">The gradient at that point; the same length.</param>
    /// <param name="learningRate">η of this step.</param>
    void Step(Span<float> parameters, ReadOnlySpan<float> gradient, float learningRate);

    /// <summary>Shrinks the parameters towards 0 by an L1 penalty, in the metric of the step just taken, and clamps them to a lower bound.</summary>
    /// <param name="parameters">The point, changed in place.</param>
    /// <param name="penalty">λ₁ of each parameter.</param>
    /// <param name="lower">Least value of each parameter.</param>
    /// <param name="learningRate">As for the step before.</param>
    void Shrink(Span<float> parameters, ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, float learningRate);

    /// <summary>Continues after this many steps, with the arrays of <see cref="State"/> filled by the caller.</summary>
    void Restore(long stepCount);
}
