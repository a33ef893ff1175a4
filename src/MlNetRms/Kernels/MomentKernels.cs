using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>Sums over a block of rows, column by column, and standardisation of a row. Computed in double.</summary>
internal static class MomentKernels
{
    /// <summary>
    /// Adds a block of rows to the running mean m, the sum of squares about it q, and the weight z of non-zero values,
    /// column by column. With δ = x − m, C the block's weight and W the weight so far:
    /// d = Σ c·δ / C;  q ← q + (Σ c·δ² − d·Σ c·δ) + d²·C·W / (C + W);  m ← m + d·C / (C + W);  z ← z + Σ c·[x ≠ 0].
    /// </summary>
    /// <param name="rows">Rows as long as <paramref name="mean"/>, a whole number of vectors.</param>
    /// <param name="weightColumn">Index of the weight c in a row; null if every weight is 1, which takes half the time for the same bits.</param>
    /// <param name="blockWeight">C, greater than 0.</param>
    /// <param name="weightBefore">W; 0 for the first block, when <paramref name="mean"/> may be anything near the values.</param>
    /// <param name="mean">m; its length is the number of columns.</param>
    /// <param name="squares">q, the same length.</param>
    /// <param name="nonZero">z, the same length.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(ReadOnlySpan<float> rows, int? weightColumn, double blockWeight, double weightBefore,
        Span<double> mean, Span<double> squares, Span<double> nonZero)
    {
        if (weightColumn is { } column)
            Accumulate(rows, isWeighted: true, column, blockWeight, weightBefore, mean, squares, nonZero);
        else
            Accumulate(rows, isWeighted: false, weightColumn: 0, blockWeight, weightBefore, mean, squares, nonZero);
    }

    // Inlined with a constant isWeighted, so that each caller gets the code of one case.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(ReadOnlySpan<float> rows, bool isWeighted, int weightColumn, double blockWeight, double weightBefore,
        Span<double> mean, Span<double> squares, Span<double> nonZero)
    {
        Debug.Assert(mean.Length % Vector<float>.Count == 0 && rows.Length % mean.Length == 0);
        double perWeight = 1 / blockWeight;
        double share = blockWeight / (blockWeight + weightBefore);
        int lanes = Vector<double>.Count;
        for (int column = 0; column < mean.Length; column += Vector<float>.Count)
        {
            var mean0 = new Vector<double>(mean[column..]);
            var mean1 = new Vector<double>(mean[(column + lanes)..]);
            Vector<double> sum0 = default, sum1 = default, squares0 = default, squares1 = default, nonZero0 = default, nonZero1 = default;
            Vector<int> zeros = default;
            for (int row = 0; row < rows.Length; row += mean.Length)
            {
                var x = new Vector<float>(rows[(row + column)..]);
                Vector.Widen(x, out Vector<double> x0, out Vector<double> x1);
                Vector<double> delta0 = x0 - mean0;
                Vector<double> delta1 = x1 - mean1;
                if (isWeighted)
                {
                    var weight = new Vector<double>(rows[row + weightColumn]);
                    nonZero0 += Vector.AndNot(weight, Vector.Equals(x0, Vector<double>.Zero).As<long, double>());
                    nonZero1 += Vector.AndNot(weight, Vector.Equals(x1, Vector<double>.Zero).As<long, double>());
                    sum0 += weight * delta0;
                    sum1 += weight * delta1;
                    squares0 += weight * delta0 * delta0;
                    squares1 += weight * delta1 * delta1;
                }
                else
                {
                    zeros -= Vector.Equals(x, Vector<float>.Zero);
                    sum0 += delta0;
                    sum1 += delta1;
                    squares0 += delta0 * delta0;
                    squares1 += delta1 * delta1;
                }
            }
            if (!isWeighted)
            {
                Vector.Widen(zeros, out Vector<long> low, out Vector<long> high);
                nonZero0 = new Vector<double>(blockWeight) - Vector.ConvertToDouble(low);
                nonZero1 = new Vector<double>(blockWeight) - Vector.ConvertToDouble(high);
            }
            Vector<double> d0 = sum0 * perWeight;
            Vector<double> d1 = sum1 * perWeight;
            (mean0 + d0 * share).CopyTo(mean[column..]);
            (mean1 + d1 * share).CopyTo(mean[(column + lanes)..]);
            Add(squares[column..], Vector.Max(squares0 - d0 * sum0, Vector<double>.Zero) + d0 * d0 * (share * weightBefore));
            Add(squares[(column + lanes)..], Vector.Max(squares1 - d1 * sum1, Vector<double>.Zero) + d1 * d1 * (share * weightBefore));
            Add(nonZero[column..], nonZero0);
            Add(nonZero[(column + lanes)..], nonZero1);
        }
    }

    /// <summary>Extends the range of each column by a block of rows.</summary>
    /// <param name="rows">Rows as long as <paramref name="least"/>, a whole number of vectors; finite.</param>
    /// <param name="least">The least value of each column so far.</param>
    /// <param name="largest">The largest value of each column so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void ExtendRanges(ReadOnlySpan<float> rows, Span<float> least, Span<float> largest)
    {
        for (int column = 0; column < least.Length; column += Vector<float>.Count)
        {
            var low = new Vector<float>(least[column..]);
            var high = new Vector<float>(largest[column..]);
            for (int row = column; row < rows.Length; row += least.Length)
            {
                var x = new Vector<float>(rows[row..]);
                low = Vector.MinNative(low, x);
                high = Vector.MaxNative(high, x);
            }
            low.CopyTo(least[column..]);
            high.CopyTo(largest[column..]);
        }
    }

    /// <summary>total ← total + value, over the first lanes of <paramref name="total"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(Span<double> total, Vector<double> value) => (new Vector<double>(total) + value).CopyTo(total);

    /// <summary>x ← (x − center)·scale, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Standardize(Span<float> values, ReadOnlySpan<double> centers, ReadOnlySpan<double> scales)
    {
        Span<Vector<float>> x = MemoryMarshal.Cast<float, Vector<float>>(values);
        ReadOnlySpan<Vector<double>> center = MemoryMarshal.Cast<double, Vector<double>>(centers);
        ReadOnlySpan<Vector<double>> scale = MemoryMarshal.Cast<double, Vector<double>>(scales);
        for (int block = 0; block < x.Length; block++)
        {
            Vector.Widen(x[block], out Vector<double> low, out Vector<double> high);
            x[block] = Vector.Narrow(
                (low - center[2 * block]) * scale[2 * block], (high - center[2 * block + 1]) * scale[2 * block + 1]);
        }
        for (int i = x.Length * Vector<float>.Count; i < values.Length; i++)
            values[i] = (float)((values[i] - centers[i]) * scales[i]);
    }

    /// <summary>Whether no value is infinite or NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        // 0·x is 0 for a finite x, else NaN, and NaN survives every addition.
        ReadOnlySpan<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> sum = Vector<float>.Zero;
        for (int block = 0; block < wide.Length; block++)
            sum += Vector<float>.Zero * wide[block];
        float rest = Vector.Sum(sum);
        for (int i = wide.Length * Vector<float>.Count; i < values.Length; i++)
            rest += 0 * values[i];
        return rest == 0;
    }
}
