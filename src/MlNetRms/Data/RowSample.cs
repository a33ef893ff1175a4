namespace MlNetRms.Data;

/// <summary>Which rows stand for all.</summary>
internal static class RowSample
{
    /// <summary>So many rows, all or a sample, in evenly spaced blocks: without shuffling the first rows need not be like the others.</summary>
    public static IEnumerable<(long First, int Count)> EvenBlocks(this RowStore store, long count, int blockRows)
    {
        for (long done = 0; done < count; done += blockRows)
        {
            int rows = (int)Math.Min(blockRows, count - done);
            yield return (count == store.RowCount ? done : done * (store.RowCount - rows) / count, rows);
        }
    }
}
