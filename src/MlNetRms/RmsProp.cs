using MlNetRms.Settings;
using MlNetRms.Solver;

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
/// m ← α·m + (1−α)·g;  ŝ ← max(ŝ − m², 0)      only if centered
/// u = g / (√ŝ + ε)  or  g / √(ŝ + ε)          by epsilon placement
/// v ← μ·v + u;  w ← w − η·v                   velocity v, v₀ = 0
/// </code>
/// Source: Tieleman and Hinton 2012, lecture 6.5; the centered form with momentum: Graves 2013, eq. 38–45; bias
/// correction as in Kingma and Ba 2015. RMSProp is not one algorithm: libraries differ in where ε is added, in the first
/// value of s, and in whether η is part of the velocity. Here it is not, as in PyTorch, and s starts at 0.
/// </para>
/// <para>
/// Bias correction divides s alone, not m. With both divided the variance ŝ − m̂² would be 0 at the first step, and the step
/// η·g/ε. The centered form of optax divides both.
/// </para>
/// <para>
/// NaN or infinity in a gradient permanently contaminates the state. An instance holds the state of one minimisation
/// and is not safe for use by several threads at once.
/// </para>
/// </remarks>
public sealed class RmsProp
{
    private readonly RmsPropRule _rule;

    /// <summary>Creates the state for a function of <paramref name="parameterCount"/> variables.</summary>
    /// <param name="parameterCount">Number of variables; at least 1.</param>
    /// <param name="alpha">α, weight of the old mean square, in [0, 1). The books call it γ or ρ.</param>
    /// <param name="epsilon">ε, keeps the denominator away from zero; finite and greater than 0, in units of the gradient
    /// (of its square when it is added inside the root).</param>
    /// <param name="epsilonPlacement">Whether ε is added to the root or inside it.</param>
    /// <param name="biasCorrection">Whether the mean square is divided by 1−αᵗ, which removes its pull towards zero in the
    /// first steps. The mean gradient of the centered form is not divided.</param>
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

        _rule = new RmsPropRule(new RuleSettings(alpha, epsilon, epsilonPlacement, biasCorrection, momentum, centered), parameterCount);
    }

    /// <summary>Number of variables.</summary>
    public int ParameterCount => _rule.MeanSquare.Length;

    /// <summary>Number of steps taken, t.</summary>
    public long StepCount => _rule.StepCount;

    /// <summary>The running mean s of the squared gradients, without bias correction; length <see cref="ParameterCount"/>.</summary>
    public ReadOnlySpan<float> MeanSquare => _rule.MeanSquare;

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

        _rule.Step(parameters, gradient, learningRate);
    }
}

/// <summary>Where epsilon is added in the denominator of the RMSProp step. Libraries differ, and it matters for small gradients.</summary>
public enum EpsilonPlacement
{
    /// <summary>g / (√s + ε), as in PyTorch and in Hinton's lecture.</summary>
    OutsideSquareRoot,

    /// <summary>g / √(s + ε), as in the d2l book and in Keras.</summary>
    InsideSquareRoot,
}
