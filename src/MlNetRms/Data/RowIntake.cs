using System.Runtime.CompilerServices;
using MlNetRms.Kernels;
using MlNetRms.Settings;
using MlNetRms.Threading;

namespace MlNetRms.Data;

/// <summary>
/// The rows on their way in. The thread that moves the cursor copies and checks; another one splits, sums up and deals out what has
/// been copied, block by block and in the order of reading, so that the bits are those of a single thread.
/// </summary>
internal sealed class RowIntake(RowReader reader, ChunkStore chunks, ReadingSettings settings)
{
    /// <summary>A thread takes about as long to start as so many blocks to process.</summary>
    private const long BlocksWithoutThread = 8;

    /// <summary>So many blocks let the two threads run at their own pace for a while; of dense rows that are long, no more than make so many words.</summary>
    private const int MostBlocks = 32;
    private const int MostWords = 1 << 21;

    private readonly SeededRandom _split = new(settings.Seed, RandomStream.ValidationSplit);
    private long _usableRows;

    /// <summary>Where the rows come from.</summary>
    public RowReader Reader => reader;

    public RowBuckets Training { get; } = new(chunks, reader.FeatureCount, settings.Shuffle, settings.Seed);

    public RowBuckets SetAside { get; } = new(chunks, reader.FeatureCount, shuffle: false, settings.Seed);

    /// <summary>Of the training rows' columns and, behind them, the label.</summary>
    public ColumnMoments Moments { get; } = new(RowBlock.RowLengthOf(reader.FeatureCount), columnCount: reader.FeatureCount + 1);

    public void ReadAll()
    {
        using var blocks = new Handover<RowBlock>(Math.Clamp(MostWords / reader.FeatureCount, 2, MostBlocks),
            () => new RowBlock(reader.FeatureCount), Process, settings.NumberOfThreads > 1 ? BlocksWithoutThread : long.MaxValue);
        for (bool more = true; more;)
        {
            RowBlock block = blocks.Take();
            more = reader.Fill(block);
            if (!block.AllFinite())
                block.Keep(reader.CheckFinite);
            blocks.Give(block);
        }
        blocks.Complete();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Process(RowBlock block)
    {
        if (settings.ValidationFraction > 0)
            block.Keep(IsForTraining);
        Moments.AddDense(block.DenseRows);
        if (!block.HasSparseRows)
        {
            for (int number = 0; number < block.RowCount; number++)
                Training.AddDense(block.DenseRow(number));
            return;
        }
        for (int number = 0; number < block.RowCount; number++)
        {
            Row row = block.RowAt(number);
            if (!row.IsDense)
                Moments.AddSparse(row);
            Training.Add(row);
        }
    }

    /// <summary>Decides on the next usable row, a pure function of the seed and the row's number, and sets it aside if it is not for training.</summary>
    private bool IsForTraining(in Row row)
    {
        bool setAside = _split.Unit(_usableRows++) < settings.ValidationFraction;
        if (setAside)
            SetAside.Add(row);
        return !setAside;
    }
}
