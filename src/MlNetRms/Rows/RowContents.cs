using System.Globalization;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

/// <summary>All values of stored rows, in their order, whatever chunks and threads stored them: what tells them from other rows.</summary>
internal static class RowContents
{
    private const int RowsAtOnce = 1 << 16;

    /// <summary>Of rows in several parts, a hash of each in the order of the parts, whichever process has it.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Write(BinaryWriter writer, RowSet rows, CancellationToken cancellation)
    {
        if (!rows.IsDivided)
        {
            Write(writer, rows.Shards[0], cancellation);
            return;
        }
        foreach (double[] hash in rows.InTurn(part => ToNumbers(ContentHash.Of(ofPart => Write(ofPart, part, cancellation)))))
            writer.Write(MemoryMarshal.AsBytes<double>(hash));
    }

    private static void Write(BinaryWriter writer, PackedRows rows, CancellationToken cancellation)
    {
        int stride = rows.Layout.Stride;
        for (long row = 0; row < rows.RowCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> lanes = rows.DenseRows(row, (int)Math.Min(RowsAtOnce, rows.RowCount - row));
            writer.Write(MemoryMarshal.AsBytes(lanes));
            row += lanes.Length / stride;
        }
        for (long row = 0; rows.Layout.SparseCount > 0 && row < rows.RowCount; row++)
        {
            if (row % RowsAtOnce == 0)
                cancellation.ThrowIfCancellationRequested();
            rows.SparseRow(row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            writer.Write(places.Length);
            writer.Write(MemoryMarshal.AsBytes(places));
            writer.Write(MemoryMarshal.AsBytes(values));
        }
    }

    private static double[] ToNumbers(string hash) =>
        [.. hash.Chunk(8).Select(digits => (double)uint.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))];
}
