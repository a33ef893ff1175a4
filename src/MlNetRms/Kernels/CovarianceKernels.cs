using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using static MlNetRms.Kernels.MomentKernels;

namespace MlNetRms.Kernels;

/// <summary>Sums of products of columns, in double.</summary>
internal static class CovarianceKernels
{
    /// <summary>Columns multiplied with a vector of other columns at once: enough sums to hide the latency of the additions.</summary>
    public const int ColumnsAtOnce = 4;

    /// <summary>Cᵢⱼ ← Cᵢⱼ + Σ xᵢ·xⱼ over some rows, at least for j ≥ i.</summary>
    /// <param name="rows">Rows of <paramref name="stride"/> numbers.</param>
    /// <param name="stride">A multiple of <see cref="ColumnsAtOnce"/> and of the numbers in a vector.</param>
    /// <param name="sums">C, row by row; <paramref name="stride"/> squared.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProducts(ReadOnlySpan<double> rows, int stride, Span<double> sums)
    {
        int lanes = Vector<double>.Count;
        Debug.Assert(stride % ColumnsAtOnce == 0 && stride % lanes == 0 && sums.Length == stride * stride);
        for (int i = 0; i < stride; i += ColumnsAtOnce)
        {
            int j = i / lanes * lanes;
            for (; j + 2 * lanes <= stride; j += 2 * lanes)
                AddProductsOfTwoVectors(rows, stride, i, j, sums);
            if (j < stride)
                AddProductsOfVector(rows, stride, i, j, sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProductsOfTwoVectors(ReadOnlySpan<double> rows, int stride, int i, int j, Span<double> sums)
    {
        int lanes = Vector<double>.Count;
        Vector<double> low0 = default, low1 = default, low2 = default, low3 = default;
        Vector<double> high0 = default, high1 = default, high2 = default, high3 = default;
        for (int row = 0; row < rows.Length; row += stride)
        {
            var low = new Vector<double>(rows[(row + j)..]);
            var high = new Vector<double>(rows[(row + j + lanes)..]);
            ReadOnlySpan<double> columns = rows.Slice(row + i, ColumnsAtOnce);
            var x = new Vector<double>(columns[0]);
            low0 = Vector.MultiplyAddEstimate(x, low, low0);
            high0 = Vector.MultiplyAddEstimate(x, high, high0);
            x = new Vector<double>(columns[1]);
            low1 = Vector.MultiplyAddEstimate(x, low, low1);
            high1 = Vector.MultiplyAddEstimate(x, high, high1);
            x = new Vector<double>(columns[2]);
            low2 = Vector.MultiplyAddEstimate(x, low, low2);
            high2 = Vector.MultiplyAddEstimate(x, high, high2);
            x = new Vector<double>(columns[3]);
            low3 = Vector.MultiplyAddEstimate(x, low, low3);
            high3 = Vector.MultiplyAddEstimate(x, high, high3);
        }
        Span<double> first = sums[(i * stride + j)..];
        Add(first, low0);
        Add(first[lanes..], high0);
        Add(first[stride..], low1);
        Add(first[(stride + lanes)..], high1);
        Add(first[(2 * stride)..], low2);
        Add(first[(2 * stride + lanes)..], high2);
        Add(first[(3 * stride)..], low3);
        Add(first[(3 * stride + lanes)..], high3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProductsOfVector(ReadOnlySpan<double> rows, int stride, int i, int j, Span<double> sums)
    {
        Vector<double> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (int row = 0; row < rows.Length; row += stride)
        {
            var x = new Vector<double>(rows[(row + j)..]);
            ReadOnlySpan<double> columns = rows.Slice(row + i, ColumnsAtOnce);
            sum0 = Vector.MultiplyAddEstimate(new Vector<double>(columns[0]), x, sum0);
            sum1 = Vector.MultiplyAddEstimate(new Vector<double>(columns[1]), x, sum1);
            sum2 = Vector.MultiplyAddEstimate(new Vector<double>(columns[2]), x, sum2);
            sum3 = Vector.MultiplyAddEstimate(new Vector<double>(columns[3]), x, sum3);
        }
        Span<double> first = sums[(i * stride + j)..];
        Add(first, sum0);
        Add(first[stride..], sum1);
        Add(first[(2 * stride)..], sum2);
        Add(first[(3 * stride)..], sum3);
    }

    /// <summary>to ← factor·from, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Copy(ReadOnlySpan<float> from, double factor, Span<double> to)
    {
        int lanes = Vector<double>.Count;
        int at = 0;
        for (; at + 2 * lanes <= from.Length; at += 2 * lanes)
        {
            Vector.Widen(new Vector<float>(from[at..]), out Vector<double> low, out Vector<double> high);
            (factor * low).CopyTo(to[at..]);
            (factor * high).CopyTo(to[(at + lanes)..]);
        }
        for (; at < from.Length; at++)
            to[at] = factor * from[at];
    }
}
