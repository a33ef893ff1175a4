using MlNetRms.Data;
using MlNetRms.Kernels;

namespace MlNetRms.Objective;

/// <summary>How the rows of a batch are cut into blocks that several threads can take: by the data alone, so that the bits are the same for any number of threads.</summary>
internal readonly record struct BlocksOfRows(int RowsPerBlock, int Count)
{
    /// <summary>The benchmark <c>limit</c> shows that threads pay off above about this many values per batch.</summary>
    private const long ValuesForThreads = 25_000;

    /// <summary>Each block has its own gradient, which costs time to add: at least so many rows a block, and at most so many blocks.</summary>
    private const int FewestRowsPerBlock = 32;
    private const int MostBlocks = 64;

    /// <param name="rowCount">Most rows of a batch.</param>
    /// <param name="layout">Of a row.</param>
    public static BlocksOfRows Of(int rowCount, RowLayout layout)
    {
        int rowsPerBlock = ArePaying(rowCount, layout) ? Math.Max(FewestRowsPerBlock, Divide.RoundUp(rowCount, MostBlocks)) : rowCount;
        return new(rowsPerBlock, Divide.RoundUp(rowCount, rowsPerBlock));
    }

    /// <summary>Whether threads shorten the time for so many rows.</summary>
    // The sparse gradient is one for all rows: threads would need one each.
    public static bool ArePaying(long rowCount, RowLayout layout) => rowCount * layout.Stride >= ValuesForThreads && layout.SparseCount == 0;
}
