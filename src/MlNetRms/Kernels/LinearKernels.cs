using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>
/// A linear model on packed rows: each row and the parameters hold the same whole number of vectors, or half a vector of
/// 256 bits (<see cref="NarrowKernels"/>).
/// </summary>
internal static class LinearKernels
{
    /// <summary>Rows of this many vectors have enough independent accumulators to hide the latency of the additions.</summary>
    private const int WideRow = 8;

    /// <summary>rᵢ = xᵢ·θ for every row: the residual, if the rows contain the label and θ has −1 in its lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Residuals(ReadOnlySpan<float> rows, ReadOnlySpan<float> parameters, Span<float> residuals)
    {
        if (NarrowKernels.Take(parameters.Length))
        {
            NarrowKernels.Residuals(rows, parameters, residuals);
            return;
        }
        ReadOnlySpan<Vector<float>> theta = MemoryMarshal.Cast<float, Vector<float>>(parameters);
        ReadOnlySpan<Vector<float>> x = MemoryMarshal.Cast<float, Vector<float>>(rows);
        Debug.Assert(x.Length == theta.Length * residuals.Length);
        if (theta.Length == 1)
        {
            ResidualsOfOneVector(x, theta[0], residuals);
            return;
        }
        int row = theta.Length < WideRow ? ResidualsByFourRows(x, theta, residuals) : 0;
        for (; row < residuals.Length; row++)
        {
            ReadOnlySpan<Vector<float>> xi = x.Slice(row * theta.Length, theta.Length);
            Vector<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            int block = 0;
            for (; block <= theta.Length - 4; block += 4)
            {
                sum0 = Vector.MultiplyAddEstimate(xi[block], theta[block], sum0);
                sum1 = Vector.MultiplyAddEstimate(xi[block + 1], theta[block + 1], sum1);
                sum2 = Vector.MultiplyAddEstimate(xi[block + 2], theta[block + 2], sum2);
                sum3 = Vector.MultiplyAddEstimate(xi[block + 3], theta[block + 3], sum3);
            }
            for (; block < theta.Length; block++)
                sum0 = Vector.MultiplyAddEstimate(xi[block], theta[block], sum0);
            residuals[row] = Vector.Sum((sum0 + sum1) + (sum2 + sum3));
        }
    }

    /// <summary>Rows of a single vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ResidualsOfOneVector(ReadOnlySpan<Vector<float>> x, Vector<float> theta, Span<float> residuals)
    {
        int row = 0;
        for (; row <= residuals.Length - 4; row += 4)
        {
            ReadOnlySpan<Vector<float>> four = x.Slice(row, 4);
            Sums(four[0] * theta, four[1] * theta, four[2] * theta, four[3] * theta).CopyTo(residuals[row..]);
        }
        for (; row < residuals.Length; row++)
            residuals[row] = Vector.Sum(x[row] * theta);
    }

    /// <summary>Narrow rows, four at a time; returns how many were done, which leaves at most three.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static int ResidualsByFourRows(ReadOnlySpan<Vector<float>> x, ReadOnlySpan<Vector<float>> theta, Span<float> residuals)
    {
        int width = theta.Length;
        int row = 0;
        for (; row <= residuals.Length - 4; row += 4)
        {
            ReadOnlySpan<Vector<float>> x0 = x.Slice(row * width, width);
            ReadOnlySpan<Vector<float>> x1 = x.Slice((row + 1) * width, width);
            ReadOnlySpan<Vector<float>> x2 = x.Slice((row + 2) * width, width);
            ReadOnlySpan<Vector<float>> x3 = x.Slice((row + 3) * width, width);
            Vector<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            for (int block = 0; block < theta.Length; block++)
            {
                sum0 = Vector.MultiplyAddEstimate(x0[block], theta[block], sum0);
                sum1 = Vector.MultiplyAddEstimate(x1[block], theta[block], sum1);
                sum2 = Vector.MultiplyAddEstimate(x2[block], theta[block], sum2);
                sum3 = Vector.MultiplyAddEstimate(x3[block], theta[block], sum3);
            }
            Sums(sum0, sum1, sum2, sum3).CopyTo(residuals[row..]);
        }
        return row;
    }

    /// <summary>The sums of four vectors: the additions of <see cref="Vector.Sum"/>, so the same bits, with fewer instructions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> Sums(Vector<float> a, Vector<float> b, Vector<float> c, Vector<float> d)
    {
        if (!Avx.IsSupported || Vector<float>.Count != Vector256<float>.Count)
            return Vector128.Create(Vector.Sum(a), Vector.Sum(b), Vector.Sum(c), Vector.Sum(d));
        Vector256<float> pairs = Avx.HorizontalAdd(
            Avx.HorizontalAdd(a.AsVector256(), b.AsVector256()), Avx.HorizontalAdd(c.AsVector256(), d.AsVector256()));
        return pairs.GetLower() + pairs.GetUpper();
    }

    /// <summary>g ← g + Σ dᵢ·xᵢ, four rows at a time: (d₀·x₀ + d₂·x₂) + (d₁·x₁ + d₃·x₃); the last rows one by one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AddGradient(ReadOnlySpan<float> rows, ReadOnlySpan<float> derivatives, Span<float> gradient, bool prefetchNext = false)
    {
        if (NarrowKernels.Take(gradient.Length))
        {
            NarrowKernels.AddGradient(rows, derivatives, gradient);
            return;
        }
        Span<Vector<float>> g = MemoryMarshal.Cast<float, Vector<float>>(gradient);
        ReadOnlySpan<Vector<float>> x = MemoryMarshal.Cast<float, Vector<float>>(rows);
        int width = g.Length;
        Debug.Assert(x.Length == width * derivatives.Length);
        if (width == 1)
        {
            g[0] = GradientOfOneVector(x, derivatives, g[0], prefetchNext);
            return;
        }
        int row = 0;
        for (; row <= derivatives.Length - 4; row += 4)
        {
            ReadOnlySpan<Vector<float>> x0 = x.Slice(row * width, width);
            ReadOnlySpan<Vector<float>> x1 = x.Slice((row + 1) * width, width);
            ReadOnlySpan<Vector<float>> x2 = x.Slice((row + 2) * width, width);
            ReadOnlySpan<Vector<float>> x3 = x.Slice((row + 3) * width, width);
            var d0 = new Vector<float>(derivatives[row]);
            var d1 = new Vector<float>(derivatives[row + 1]);
            var d2 = new Vector<float>(derivatives[row + 2]);
            var d3 = new Vector<float>(derivatives[row + 3]);
            if (prefetchNext)
                Prefetch.Beyond(rows, row * width * Vector<float>.Count, 4 * width * Vector<float>.Count);
            for (int block = 0; block < g.Length; block++)
            {
                Vector<float> even = Vector.MultiplyAddEstimate(d0, x0[block], d2 * x2[block]);
                Vector<float> odd = Vector.MultiplyAddEstimate(d1, x1[block], d3 * x3[block]);
                g[block] += even + odd;
            }
        }
        for (; row < derivatives.Length; row++)
        {
            ReadOnlySpan<Vector<float>> x0 = x.Slice(row * width, width);
            var d0 = new Vector<float>(derivatives[row]);
            for (int block = 0; block < g.Length; block++)
                g[block] = Vector.MultiplyAddEstimate(d0, x0[block], g[block]);
        }
    }

    /// <summary>Rows of a single vector: the gradient stays in a register, so no addition waits for a store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static Vector<float> GradientOfOneVector(ReadOnlySpan<Vector<float>> x, ReadOnlySpan<float> derivatives, Vector<float> gradient, bool prefetchNext)
    {
        int row = 0;
        for (; row <= derivatives.Length - 4; row += 4)
        {
            if (prefetchNext)
                Prefetch.Beyond(MemoryMarshal.Cast<Vector<float>, float>(x), row * Vector<float>.Count, 4 * Vector<float>.Count);
            ReadOnlySpan<Vector<float>> four = x.Slice(row, 4);
            ReadOnlySpan<float> d = derivatives.Slice(row, 4);
            Vector<float> even = Vector.MultiplyAddEstimate(new Vector<float>(d[0]), four[0], new Vector<float>(d[2]) * four[2]);
            Vector<float> odd = Vector.MultiplyAddEstimate(new Vector<float>(d[1]), four[1], new Vector<float>(d[3]) * four[3]);
            gradient += even + odd;
        }
        for (; row < derivatives.Length; row++)
            gradient = Vector.MultiplyAddEstimate(new Vector<float>(derivatives[row]), x[row], gradient);
        return gradient;
    }

    /// <summary>Σ rᵢ².</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static float SumOfSquares(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> sum = default;
        for (int block = 0; block < wide.Length; block++)
            sum = Vector.MultiplyAddEstimate(wide[block], wide[block], sum);
        float total = Vector.Sum(sum);
        for (int i = wide.Length * Vector<float>.Count; i < values.Length; i++)
            total += values[i] * values[i];
        return total;
    }

    /// <summary>v ← factor·v, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Scale(Span<float> values, float factor)
    {
        Span<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (int block = 0; block < wide.Length; block++)
            wide[block] *= factor;
        for (int i = wide.Length * Vector<float>.Count; i < values.Length; i++)
            values[i] *= factor;
    }

    /// <summary>v ← v + factor·w, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(Span<float> values, float factor, ReadOnlySpan<float> other)
    {
        Span<Vector<float>> v = MemoryMarshal.Cast<float, Vector<float>>(values);
        ReadOnlySpan<Vector<float>> w = MemoryMarshal.Cast<float, Vector<float>>(other)[..v.Length];
        for (int block = 0; block < v.Length; block++)
            v[block] += factor * w[block];
        for (int i = v.Length * Vector<float>.Count; i < values.Length; i++)
            values[i] += factor * other[i];
    }
}
