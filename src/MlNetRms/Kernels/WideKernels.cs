using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlNetRms.Kernels;

/// <summary>Products of packed rows of floats with numbers in double, and their sums in double.</summary>
internal static class WideKernels
{
    /// <summary>pᵢ = xᵢ·θ for every row.</summary>
    /// <param name="rows">Rows of as many floats as <paramref name="parameters"/>.</param>
    /// <param name="parameters">θ.</param>
    /// <param name="products">One number per row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Products(ReadOnlySpan<float> rows, ReadOnlySpan<double> parameters, Span<double> products)
    {
        int stride = parameters.Length;
        int lanes = Vector<double>.Count;
        int whole = stride / Vector<float>.Count * Vector<float>.Count;
        for (int i = 0; i < products.Length; i++)
        {
            ReadOnlySpan<float> row = rows.Slice(i * stride, stride);
            Vector<double> even = default, odd = default;
            for (int at = 0; at < whole; at += Vector<float>.Count)
            {
                Vector.Widen(new Vector<float>(row[at..]), out Vector<double> low, out Vector<double> high);
                even = Vector.MultiplyAddEstimate(low, new Vector<double>(parameters[at..]), even);
                odd = Vector.MultiplyAddEstimate(high, new Vector<double>(parameters[(at + lanes)..]), odd);
            }
            double sum = Vector.Sum(even + odd);
            for (int at = whole; at < stride; at++)
                sum += row[at] * parameters[at];
            products[i] = sum;
        }
    }

    /// <summary>s ← s + Σ fᵢ·xᵢ, four rows at a time.</summary>
    /// <param name="rows">Rows of as many floats as <paramref name="sums"/>.</param>
    /// <param name="factors">f, one number per row.</param>
    /// <param name="sums">s.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddRows(ReadOnlySpan<float> rows, ReadOnlySpan<double> factors, Span<double> sums)
    {
        int stride = sums.Length;
        int i = 0;
        for (; i <= factors.Length - 4; i += 4)
            AddFourRows(rows.Slice(i * stride, 4 * stride), factors.Slice(i, 4), sums);
        for (; i < factors.Length; i++)
        {
            ReadOnlySpan<float> row = rows.Slice(i * stride, stride);
            for (int at = 0; at < stride; at++)
                sums[at] += factors[i] * row[at];
        }
    }

    /// <summary>Σ valueₖ · dense[positionₖ].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<double> dense)
    {
        double sum = 0;
        for (int k = 0; k < positions.Length; k++)
            sum += values[k] * dense[positions[k]];
        return sum;
    }

    /// <summary>dense[positionₖ] ← dense[positionₖ] + factor · valueₖ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, double factor, Span<double> dense)
    {
        for (int k = 0; k < positions.Length; k++)
            dense[positions[k]] += factor * values[k];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static void AddFourRows(ReadOnlySpan<float> rows, ReadOnlySpan<double> factors, Span<double> sums)
    {
        int stride = sums.Length;
        int lanes = Vector<double>.Count;
        int whole = stride / Vector<float>.Count * Vector<float>.Count;
        ReadOnlySpan<float> x0 = rows[..stride], x1 = rows.Slice(stride, stride), x2 = rows.Slice(2 * stride, stride), x3 = rows[(3 * stride)..];
        Vector<double> f0 = new(factors[0]), f1 = new(factors[1]), f2 = new(factors[2]), f3 = new(factors[3]);
        for (int at = 0; at < whole; at += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(x0[at..]), out Vector<double> low0, out Vector<double> high0);
            Vector.Widen(new Vector<float>(x1[at..]), out Vector<double> low1, out Vector<double> high1);
            Vector.Widen(new Vector<float>(x2[at..]), out Vector<double> low2, out Vector<double> high2);
            Vector.Widen(new Vector<float>(x3[at..]), out Vector<double> low3, out Vector<double> high3);
            Vector<double> low = (f0 * low0 + f1 * low1) + (f2 * low2 + f3 * low3);
            Vector<double> high = (f0 * high0 + f1 * high1) + (f2 * high2 + f3 * high3);
            (new Vector<double>(sums[at..]) + low).CopyTo(sums[at..]);
            (new Vector<double>(sums[(at + lanes)..]) + high).CopyTo(sums[(at + lanes)..]);
        }
        for (int at = whole; at < stride; at++)
            sums[at] += (factors[0] * x0[at] + factors[1] * x1[at]) + (factors[2] * x2[at] + factors[3] * x3[at]);
    }
}
