using System.Runtime.InteropServices;

namespace MlNetRms.Data;

/// <summary>All values of stored rows, in their order, whatever chunks and threads stored them: what tells them from other rows.</summary>
internal static class RowContents
{
    private const int RowsAtOnce = 1 << 16;

    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Write(BinaryWriter writer, RowStore rows, CancellationToken cancellation)
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
}
