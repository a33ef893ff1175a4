using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlNetRms.Kernels;

/// <summary>Sums of products of columns, in double.</summary>
internal static class CovarianceKernels
{
    /// <summary>Columns that are multiplied at once with a vector of others: enough sums to hide the latency of the additions.</summary>
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
            for (int j = i / lanes * lanes; j < stride; j += lanes)
            {
                Vector<double> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
                for (int row = 0; row < rows.Length; row += stride)
                {
                    var x = new Vector<double>(rows[(row + j)..]);
                    sum0 += rows[row + i] * x;
                    sum1 += rows[row + i + 1] * x;
                    sum2 += rows[row + i + 2] * x;
                    sum3 += rows[row + i + 3] * x;
                }
                Add(sums[(i * stride + j)..], sum0);
                Add(sums[((i + 1) * stride + j)..], sum1);
                Add(sums[((i + 2) * stride + j)..], sum2);
                Add(sums[((i + 3) * stride + j)..], sum3);
            }
        }
    }

    private static void Add(Span<double> total, Vector<double> value) => (new Vector<double>(total) + value).CopyTo(total);
}
