using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlNetRms.Kernels;

/// <summary>The numbers of one RMSProp step that are the same for every coordinate.</summary>
/// <param name="LearningRate">η, already taken from the schedule.</param>
/// <param name="Alpha">α, the weight of the old mean square.</param>
/// <param name="Momentum">μ; 0 for none.</param>
/// <param name="EpsilonInside">Added to ŝ under the root; 0 when epsilon stands outside.</param>
/// <param name="EpsilonOutside">Added to the root; 0 when epsilon stands inside.</param>
/// <param name="Correction">1 / (1 − αᵗ) with bias correction, else 1.</param>
internal readonly record struct StepCoefficients(
    float LearningRate, float Alpha, float Momentum, float EpsilonInside, float EpsilonOutside, float Correction);

/// <summary>The update rule, element by element. No sums, no fused multiply-add: the same bits as scalar code.</summary>
internal static class RmsPropKernels
{
    /// <summary>s ← α·s + (1−α)·g²;  v ← μ·v + g / (√(ŝ + ε) + ε');  w ← w − η·v, where ŝ = s · correction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Step(Span<float> parameters, Span<float> meanSquare, Span<float> velocity,
        ReadOnlySpan<float> gradient, in StepCoefficients step)
    {
        Debug.Assert(meanSquare.Length == gradient.Length && velocity.Length == gradient.Length);
        Debug.Assert(parameters.Length == gradient.Length);
        (float eta, float alpha, float mu, float inside, float outside, float correction) = step;
        ReadOnlySpan<Vector<float>> g = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        Span<Vector<float>> s = MemoryMarshal.Cast<float, Vector<float>>(meanSquare)[..g.Length];
        Span<Vector<float>> v = MemoryMarshal.Cast<float, Vector<float>>(velocity)[..g.Length];
        Span<Vector<float>> w = MemoryMarshal.Cast<float, Vector<float>>(parameters)[..g.Length];
        var eps = new Vector<float>(inside);
        var eps2 = new Vector<float>(outside);
        for (int block = 0; block < g.Length; block++)
        {
            s[block] = alpha * s[block] + (1 - alpha) * g[block] * g[block];
            v[block] = mu * v[block] + g[block] / (Vector.SquareRoot(s[block] * correction + eps) + eps2);
            w[block] -= eta * v[block];
        }
        for (int i = g.Length * Vector<float>.Count; i < gradient.Length; i++)
        {
            meanSquare[i] = alpha * meanSquare[i] + (1 - alpha) * gradient[i] * gradient[i];
            velocity[i] = mu * velocity[i] + gradient[i] / (MathF.Sqrt(meanSquare[i] * correction + inside) + outside);
            parameters[i] -= eta * velocity[i];
        }
    }

    /// <summary>As <see cref="Step"/>, with m ← α·m + (1−α)·g and ŝ ← max(ŝ − m̂², 0) before the root.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void StepCentered(Span<float> parameters, Span<float> meanSquare, Span<float> meanGradient,
        Span<float> velocity, ReadOnlySpan<float> gradient, in StepCoefficients step)
    {
        Debug.Assert(meanSquare.Length == gradient.Length && velocity.Length == gradient.Length);
        Debug.Assert(parameters.Length == gradient.Length && meanGradient.Length == gradient.Length);
        (float eta, float alpha, float mu, float inside, float outside, float correction) = step;
        ReadOnlySpan<Vector<float>> g = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        Span<Vector<float>> s = MemoryMarshal.Cast<float, Vector<float>>(meanSquare)[..g.Length];
        Span<Vector<float>> m = MemoryMarshal.Cast<float, Vector<float>>(meanGradient)[..g.Length];
        Span<Vector<float>> v = MemoryMarshal.Cast<float, Vector<float>>(velocity)[..g.Length];
        Span<Vector<float>> w = MemoryMarshal.Cast<float, Vector<float>>(parameters)[..g.Length];
        var eps = new Vector<float>(inside);
        var eps2 = new Vector<float>(outside);
        for (int block = 0; block < g.Length; block++)
        {
            s[block] = alpha * s[block] + (1 - alpha) * g[block] * g[block];
            m[block] = alpha * m[block] + (1 - alpha) * g[block];
            // Rounding can leave ŝ − m̂² just below zero when the gradient hardly changes, and the root of that is NaN.
            Vector<float> mean = m[block] * correction;
            Vector<float> variance = Vector.Max(s[block] * correction - mean * mean, Vector<float>.Zero);
            v[block] = mu * v[block] + g[block] / (Vector.SquareRoot(variance + eps) + eps2);
            w[block] -= eta * v[block];
        }
        for (int i = g.Length * Vector<float>.Count; i < gradient.Length; i++)
        {
            meanSquare[i] = alpha * meanSquare[i] + (1 - alpha) * gradient[i] * gradient[i];
            meanGradient[i] = alpha * meanGradient[i] + (1 - alpha) * gradient[i];
            float mean = meanGradient[i] * correction;
            float variance = MathF.Max(meanSquare[i] * correction - mean * mean, 0);
            velocity[i] = mu * velocity[i] + gradient[i] / (MathF.Sqrt(variance + inside) + outside);
            parameters[i] -= eta * velocity[i];
        }
    }

    /// <summary>
    /// w ← sign(w)·max(|w| − η·λ / (√(ŝ + ε) + ε'), 0), then w ← max(w, lower): the proximal step of an L1 penalty in the metric
    /// of the RMSProp step, and a bound. To be called after <see cref="Step"/> with the same numbers.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Proximal(Span<float> parameters, ReadOnlySpan<float> meanSquare, ReadOnlySpan<float> penalty,
        ReadOnlySpan<float> lower, in StepCoefficients step)
    {
        Debug.Assert(meanSquare.Length == parameters.Length && penalty.Length == parameters.Length && lower.Length == parameters.Length);
        for (int i = 0; i < parameters.Length; i++)
        {
            float root = MathF.Sqrt(meanSquare[i] * step.Correction + step.EpsilonInside) + step.EpsilonOutside;
            float size = MathF.Max(MathF.Abs(parameters[i]) - step.LearningRate * penalty[i] / root, 0);
            parameters[i] = MathF.Max(MathF.CopySign(size, parameters[i]), lower[i]);
        }
    }
}
