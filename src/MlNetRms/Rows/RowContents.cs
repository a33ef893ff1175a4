using System.Globalization;
using MlNetRms.Kernels;
using MlNetRms.Saving;

namespace MlNetRms.Rows;

/// <summary>
/// Identifies stored rows by an evenly spaced sample of them, in their order. Hashing every row would often take several times as long as the
/// training.
/// </summary>
internal static class RowContents
{
    /// <summary>Values that are sampled from each shard; a smaller shard is taken whole.</summary>
    private const long SampledValues = 1 << 18;

    /// <summary>Few long blocks miss the rows between them; many short ones read a file in many small pieces.</summary>
    private const int Blocks = 64;

    private const int RowsAtOnce = 1 << 10;

    /// <summary>Writes a sample of each shard, in the order of the shards, whichever process has it.</summary>
    /// <param name="file">Gets the sample or, if there are several shards, a hash of the sample of each.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="withSums">Whether to add the sum of each dense column, of the label and of the weights, for which all rows are read.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Write(Archive file, RowSet rows, bool withSums, CancellationToken cancellation)
    {
        if (!rows.IsDivided)
        {
            Write(file, rows.Shards[0], withSums, cancellation);
            return;
        }
        foreach (double[] hash in rows.InTurn(shard => ToNumbers(ContentHash.Compute(sample => Write(sample, shard, withSums, cancellation)))))
            file.Array(hash);
    }

    private static void Write(Archive file, PackedRows rows, bool withSums, CancellationToken cancellation)
    {
        if (rows.RowCount == 0)
            return;
        if (withSums)
            file.Array(Sums(rows, cancellation));
        long valuesPerRow = rows.Layout.Stride + 2 * rows.NonZeroCount / rows.RowCount;
        long sample = Math.Clamp(SampledValues / valuesPerRow, 1, rows.RowCount);
        foreach ((long first, int count) in rows.EvenBlocks(sample, (int)Divide.RoundUp(sample, Blocks)))
        {
            cancellation.ThrowIfCancellationRequested();
            for (long row = first; row < first + count;)
            {
                ReadOnlySpan<float> lanes = rows.DenseRows(row, (int)(first + count - row));
                file.Array(lanes.ToArray());
                row += lanes.Length / rows.Layout.Stride;
            }
            for (long row = first; rows.Layout.SparseCount > 0 && row < first + count; row++)
            {
                rows.SparseRow(row, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
                file.Array(positions.ToArray());
                file.Array(values.ToArray());
            }
        }
    }

    /// <summary>Sums of the lanes of all rows.</summary>
    private static double[] Sums(PackedRows rows, CancellationToken cancellation)
    {
        int stride = rows.Layout.Stride;
        var sums = new double[stride];
        var ofBlock = new float[stride];
        float[] ones = [.. Enumerable.Repeat(1f, RowsAtOnce)];
        for (long row = 0; row < rows.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> lanes = rows.DenseRows(row, (int)Math.Min(RowsAtOnce, rows.RowCount - row));
            Array.Clear(ofBlock);
            LinearKernels.AddGradient(lanes, ones.AsSpan(0, lanes.Length / stride), ofBlock);
            for (int lane = 0; lane < stride; lane++)
                sums[lane] += ofBlock[lane];
            row += lanes.Length / stride;
        }
        return sums;
    }

    private static double[] ToNumbers(string hash) =>
        [.. hash.Chunk(8).Select(digits => (double)uint.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))];
}
