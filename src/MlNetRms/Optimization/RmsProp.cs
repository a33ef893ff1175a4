using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms;

/// <summary>
/// RMSProp: gradient descent whose step in each coordinate is divided by a running root mean square of that
/// coordinate's gradients. Minimises any function whose gradient the caller can compute.
/// </summary>
/// <remarks>
/// <para>
/// One step t = 1, 2, … with gradient g and learning rate η:
/// <code>
/// s ← α·s + (1−α)·g²                          mean square, s₀ = 0
/// ŝ = s / (1−αᵗ) with bias correction, else s
/// m ← α·m + (1−α)·g;  ŝ ← max(ŝ − m̂², 0)      only if centered
/// u = g / (√ŝ + ε)  or  g / √(ŝ + ε)          by epsilon placement
/// v ← μ·v + u;  w ← w − η·v                   velocity v, v₀ = 0
/// </code>
/// Source: Tieleman and Hinton 2012, lecture 6.5; the centered form with momentum: Graves 2013, eq. 38–45; bias
/// correction as in Kingma and Ba 2015. RMSProp is not one algorithm: libraries differ in where ε stands, in the first
/// value of s, and in whether η stands inside the velocity. Here it stands outside, as in PyTorch, and s starts at 0.
/// </para>
/// <para>
/// NaN or infinity in a gradient goes into the state and stays there. An instance holds the state of one minimisation
/// and is not safe for use by several threads at once.
/// </para>
/// </remarks>
public sealed class RmsProp
{
    private readonly float[] _meanSquare;
    private readonly float[] _velocity;
    private readonly float[]? _meanGradient;
    private readonly bool _biasCorrection;
    private readonly StepCoefficients _coefficients;
    private double _alphaPower = 1;

    /// <summary>Makes the state for a function of <paramref name="parameterCount"/> variables.</summary>
    /// <param name="parameterCount">Number of variables; at least 1.</param>
    /// <param name="alpha">α, weight of the old mean square, in [0, 1). The books call it γ or ρ.</param>
    /// <param name="epsilon">ε, keeps the denominator away from zero; finite and greater than 0, in units of the gradient
    /// (of its square when it stands inside the root).</param>
    /// <param name="epsilonPlacement">Whether ε is added to the root or under it.</param>
    /// <param name="biasCorrection">Whether the means are divided by 1−αᵗ, which removes their pull towards zero in the first steps.</param>
    /// <param name="momentum">μ, weight of the old velocity, in [0, 1); 0 means none.</param>
    /// <param name="centered">Whether to divide by the standard deviation of the gradient instead of its root mean square.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range, or NaN.</exception>
    public RmsProp(int parameterCount, float alpha, float epsilon,
        EpsilonPlacement epsilonPlacement = EpsilonPlacement.OutsideSquareRoot, bool biasCorrection = false,
        float momentum = 0, bool centered = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(parameterCount, 1);
        Require.InUnitInterval(alpha, nameof(alpha));
        Require.Positive(epsilon, nameof(epsilon));
        Require.Defined(epsilonPlacement, nameof(epsilonPlacement));
        Require.InUnitInterval(momentum, nameof(momentum));

        _meanSquare = new float[parameterCount];
        _velocity = new float[parameterCount];
        _meanGradient = centered ? new float[parameterCount] : null;
        _biasCorrection = biasCorrection;
        bool inside = epsilonPlacement == EpsilonPlacement.InsideSquareRoot;
        _coefficients = new StepCoefficients(LearningRate: 0, alpha, momentum,
            EpsilonInside: inside ? epsilon : 0, EpsilonOutside: inside ? 0 : epsilon, Correction: 1);
    }

    /// <summary>Number of variables.</summary>
    public int ParameterCount => _meanSquare.Length;

    /// <summary>Number of steps taken, t.</summary>
    public long StepCount { get; private set; }

    /// <summary>The running mean s of the squared gradients, without bias correction; length <see cref="ParameterCount"/>.</summary>
    public ReadOnlySpan<float> MeanSquare => _meanSquare;

    /// <summary>Takes one step: changes <paramref name="parameters"/> in place.</summary>
    /// <param name="parameters">The point w; length <see cref="ParameterCount"/>.</param>
    /// <param name="gradient">The gradient g at that point; the same length.</param>
    /// <param name="learningRate">η of this step; finite and at least 0.</param>
    /// <exception cref="ArgumentException">A length differs from <see cref="ParameterCount"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The learning rate is negative, infinite or NaN.</exception>
    public void Step(Span<float> parameters, ReadOnlySpan<float> gradient, float learningRate)
    {
        Require.Length(parameters.Length, ParameterCount, nameof(parameters));
        Require.Length(gradient.Length, ParameterCount, nameof(gradient));
        Require.NonNegative(learningRate, nameof(learningRate));

        Apply(parameters, gradient, Advance(learningRate));
    }

    /// <summary>Begins the next step: what its number and its learning rate decide for all coordinates.</summary>
    internal StepCoefficients Advance(float learningRate)
    {
        StepCount++;
        return _coefficients with { LearningRate = learningRate, Correction = NextCorrection() };
    }

    /// <summary>Carries out the step that <see cref="Advance"/> began.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Apply(Span<float> parameters, ReadOnlySpan<float> gradient, in StepCoefficients step)
    {
        if (_meanGradient is null)
            RmsPropKernels.Step(parameters, _meanSquare, _velocity, gradient, step);
        else
            RmsPropKernels.StepCentered(parameters, _meanSquare, _meanGradient, _velocity, gradient, step);
    }

    /// <summary>Draws the parameters towards 0 by an L1 penalty and cuts them off at a lower bound, after <see cref="Apply"/>.</summary>
    /// <param name="parameters">The point, changed in place.</param>
    /// <param name="penalty">λ of each parameter.</param>
    /// <param name="lower">Least value of each parameter.</param>
    /// <param name="step">As for <see cref="Apply"/>.</param>
    internal void ApplyProximal(Span<float> parameters, ReadOnlySpan<float> penalty, ReadOnlySpan<float> lower, in StepCoefficients step) =>
        RmsPropKernels.Proximal(parameters, _meanSquare, penalty, lower, step);

    /// <summary>The state, as arrays that <see cref="Restore"/> takes.</summary>
    internal RmsPropState Save() =>
        new([.. _meanSquare], [.. _velocity], _meanGradient is null ? null : [.. _meanGradient], StepCount, _alphaPower);

    /// <summary>Goes on from a state; of one for more parameters it takes the first. A centered optimiser that gets no mean gradient starts it at 0.</summary>
    internal void Restore(RmsPropState state)
    {
        state.MeanSquare.AsSpan(0, ParameterCount).CopyTo(_meanSquare);
        state.Velocity.AsSpan(0, ParameterCount).CopyTo(_velocity);
        if (_meanGradient is not null)
            state.MeanGradient?.AsSpan(0, ParameterCount).CopyTo(_meanGradient);
        StepCount = state.StepCount;
        _alphaPower = state.AlphaPower;
    }

    /// <summary>1 / (1 − αᵗ), or 1 without bias correction.</summary>
    private float NextCorrection()
    {
        if (!_biasCorrection)
            return 1;
        _alphaPower *= _coefficients.Alpha;
        // Below this the correction is 1 in float anyhow, and an ever smaller product would end as a slow denormal.
        if (_alphaPower < 1e-20)
            _alphaPower = 0;
        return (float)(1 / (1 - _alphaPower));
    }
}

/// <summary>All that an <see cref="RmsProp"/> remembers from step to step.</summary>
/// <param name="MeanSquare">s of each parameter.</param>
/// <param name="Velocity">v of each parameter.</param>
/// <param name="MeanGradient">m of each parameter, if centered.</param>
/// <param name="StepCount">t.</param>
/// <param name="AlphaPower">αᵗ, 0 once it no longer matters.</param>
internal sealed record RmsPropState(float[] MeanSquare, float[] Velocity, float[]? MeanGradient, long StepCount, double AlphaPower);
