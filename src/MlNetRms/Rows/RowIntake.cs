using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>
/// Reads the rows of one shard. The thread that moves the cursor copies and checks; another one splits, sums up and deals out what has been copied,
/// block by block and in the order of reading, so that the bits are those of a single thread.
/// </summary>
internal sealed class RowIntake(IRowSource reader, RowMemory memory, ReadingSettings settings, RowSample sample)
{
    /// <summary>A thread takes about as long to start as these blocks take to process.</summary>
    private const long BlocksWithoutThread = 8;

    /// <summary>Waking a thread takes about as long as processing a few blocks, so they are handed over in groups.</summary>
    private const int BlocksInGroup = 8;

    /// <summary>These let the two threads run at their own pace for a while. Blocks of long dense rows are fewer, within a number of words.</summary>
    private const int MostBlocks = 32;
    private const int MostWords = 1 << 21;

    private readonly SeededRandom _split = new(settings.Seed, RandomStream.ValidationSplit);
    private long _usableRows;

    /// <summary>Where the rows come from.</summary>
    public IRowSource Reader => reader;

    public RowBuckets Training { get; } = new(memory, reader.FeatureCount, settings.Shuffle, settings.Seed);

    public RowBuckets SetAside { get; } = new(memory, reader.FeatureCount, shuffle: false, settings.Seed);

    /// <summary>Some of the training rows as read.</summary>
    public RowSample Sample => sample;

    /// <summary>The moments of the training rows' columns and, behind them, of the label.</summary>
    public ColumnMoments Moments { get; } = new(RowBlock.RowLengthOf(reader.FeatureCount), columnCount: reader.FeatureCount + 1);

    /// <summary>Reads all rows.</summary>
    /// <param name="block">Room for the first rows; shards that are read one after the other share it.</param>
    public void ReadAll(RowBlock block)
    {
        bool more = true;
        for (int number = 0; more && (number < BlocksWithoutThread || settings.NumberOfThreads == 1); number++)
        {
            more = Fill(block);
            Process(block);
        }
        if (more)
            ReadRest();
        Training.Complete();
        SetAside.Complete();
    }

    /// <summary>Fills groups of blocks on this thread while another one processes those filled before, in their order.</summary>
    private void ReadRest()
    {
        int blockCount = Math.Clamp(MostWords / reader.FeatureCount, 2, MostBlocks);
        RowBlock[][] groups = [.. Enumerable.Range(0, blockCount).Select(_ => new RowBlock(reader.FeatureCount))
            .Chunk(Math.Min(BlocksInGroup, blockCount / 2))];
        using var free = new BlockingCollection<RowBlock[]>(new ConcurrentStack<RowBlock[]>(groups));
        using var filled = new BlockingCollection<RowBlock[]>();
        var processing = Task.Factory.StartNew(() =>
        {
            try
            {
                foreach (RowBlock[] group in filled.GetConsumingEnumerable())
                {
                    Array.ForEach(group, Process);
                    free.Add(group);
                }
            }
            finally
            {
                free.CompleteAdding();        // ends the reading if the processing has failed
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            for (bool more = true; more && free.TryTake(out RowBlock[]? group, Timeout.Infinite);)
            {
                foreach (RowBlock block in group)
                {
                    block.Clear();
                    more = more && Fill(block);
                }
                filled.Add(group);
            }
        }
        finally
        {
            filled.CompleteAdding();
            Task.WaitAny(processing);        // unlike Wait, it does not replace an exception of the reading by one of the processing
        }
        processing.GetAwaiter().GetResult();
    }

    private bool Fill(RowBlock block)
    {
        bool more = reader.Fill(block);
        if (!block.AllFinite())
            block.Keep(reader.CheckFinite);
        return more;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Process(RowBlock block)
    {
        if (settings.ValidationFraction > 0)
            block.Keep(IsForTraining);
        sample.Add(block);
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

    /// <summary>Decides on the next usable row, by the seed and the row's number alone, and sets it aside if it is not for training.</summary>
    private bool IsForTraining(in Row row)
    {
        bool setAside = _split.Unit(_usableRows++) < settings.ValidationFraction;
        if (setAside)
            SetAside.Add(row);
        return !setAside;
    }
}

/// <summary>The sums over the rows of all shards of a job, taken while they were read.</summary>
/// <param name="Counts">How many rows were read and skipped.</param>
/// <param name="Weights">The weights of the rows to train on.</param>
/// <param name="RowsSetAside">Rows that evaluate each epoch.</param>
/// <param name="Moments">Those of the training rows' columns and, behind them, the label.</param>
internal sealed record IntakeSums(RowCounts Counts, ExampleWeights Weights, long RowsSetAside, ColumnMoments Moments)
{
    /// <param name="job">All shards.</param>
    /// <param name="own">This process's shards.</param>
    public static IntakeSums Gather(Shards job, IReadOnlyList<RowIntake> own)
    {
        if (job.Count == 1)
            return new(own[0].Reader.Counts, own[0].Training.Weights, own[0].SetAside.RowCount, own[0].Moments);
        var counts = RowCounts.Sum(job, own.Select(intake => intake.Reader.Counts));
        long setAside = (long)job.Sum([.. own.Select(intake => new double[] { intake.SetAside.RowCount })])[0];
        ExampleWeights weights = default;
        foreach (double[] numbers in job.InTurn([.. own.Select(intake => intake.Training.Weights.ToNumbers())]))
            weights.Add(numbers);
        int rowLength = RowBlock.RowLengthOf(own[0].Reader.FeatureCount);
        int columnCount = own[0].Reader.FeatureCount + 1;
        var moments = new ColumnMoments(rowLength, columnCount);
        foreach (double[] numbers in job.InTurn(shard => own[shard].Moments.ToNumbers(), ColumnMoments.CountOfNumbers(columnCount)))
            moments.Merge(ColumnMoments.FromNumbers(numbers, rowLength, columnCount));
        return new(counts, weights, setAside, moments);
    }
}

/// <summary>The example weights of some rows, as sums.</summary>
internal struct ExampleWeights
{
    private const double FewRows = 10;
    private const double SmallShare = 0.1;

    /// <summary>A batch hardly ever has one of the rows that count.</summary>
    private const double TinyShare = 0.001;

    private double _squares;

    public long RowCount { get; private set; }

    public double Sum { get; private set; }

    public double Largest { get; private set; }

    public readonly double Mean => Sum / RowCount;

    /// <summary>(Σ c)² / Σ c²: this many rows of equal weight would say as much (Kish 1965).</summary>
    public readonly double EffectiveRows => Sum * Sum / _squares;

    /// <summary>Whether a few rows decide the model.</summary>
    public readonly bool AreDominated => EffectiveRows < Math.Max(Math.Min(FewRows, SmallShare * RowCount), TinyShare * RowCount);

    /// <summary>All of it as numbers; <see cref="Add(ReadOnlySpan{double})"/> takes them.</summary>
    public readonly double[] ToNumbers() => [RowCount, Sum, _squares, Largest];

    /// <summary>Takes in the weights of other rows.</summary>
    public void Add(ReadOnlySpan<double> numbers)
    {
        RowCount += (long)numbers[0];
        Sum += numbers[1];
        _squares += numbers[2];
        Largest = Math.Max(Largest, numbers[3]);
    }

    public void Add(double weight)
    {
        RowCount++;
        Sum += weight;
        _squares += weight * weight;
        Largest = Math.Max(Largest, weight);
    }
}
