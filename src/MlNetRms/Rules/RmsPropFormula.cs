using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms.Rules;

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
