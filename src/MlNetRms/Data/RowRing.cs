namespace MlNetRms.Data;

/// <summary>Rows taken as a ring: beyond the last one come those from the first on.</summary>
internal static class RowRing
{
    /// <summary>Says that some rows will be read soon, so that those in a file are on their way by then.</summary>
    public static void ExpectInRing(this RowStore rows, long first, long count)
    {
        long toTheEnd = Math.Min(count, rows.RowCount - first);
        rows.Expect(first, toTheEnd);
        if (toTheEnd < count)
            rows.Expect(0, count - toTheEnd);
    }

    /// <summary>Brings rows up to the last one into memory and keeps them there until the next call; the dense parts alone.</summary>
    public static void Keep(this RowStore rows, long first, int count) => rows.Keep(rows.DenseChunks(first, Math.Min(count, rows.RowCount - first)));

    /// <summary>Lists the chunks of the dense parts of some rows.</summary>
    public static void AddChunksInRing(this RowStore rows, long first, long count, List<StoredChunk?> chunks)
    {
        long toTheEnd = Math.Min(count, rows.RowCount - first);
        chunks.AddRange(rows.DenseChunks(first, toTheEnd));
        chunks.AddRange(rows.DenseChunks(0, count - toTheEnd));
    }
}
