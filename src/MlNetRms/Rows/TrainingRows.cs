using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

/// <summary>The rows of a training in its units, with the memory they occupy: those trained on, and those that evaluate it.</summary>
internal sealed class TrainingRows : IDisposable
{
    /// <summary>64 KiB: a bucket's half-filled last chunk costs little memory, and a chunk still holds hundreds of usual rows.</summary>
    private const int ShortestChunk = 1 << 14;
    private const int LongestChunk = 1 << 17;

    private readonly ChunkStore _chunks;

    private TrainingRows(IEnumerable<IRowSource> parts, Shards job, int featureCount, ReadingSettings settings, Scaling? previous,
        ISlabAllocator allocator, Func<ISpillFile>? openFile, CancellationToken cancellation)
    {
        int chunkLength = (int)Math.Clamp(8 * RowBucket.DenseRecordWords(featureCount), ShortestChunk, LongestChunk);
        Job = job.Job;
        _chunks = new ChunkStore(new ChunkPool(allocator, chunkLength), settings.MemoryLimit,
            openFile ?? (() => new SpillFile(settings.TemporaryDirectory)));
        try
        {
            var intakes = new List<RowIntake>();
            foreach (IRowSource reader in parts)
            {
                intakes.Add(new RowIntake(reader, _chunks, settings with { Seed = SeedOf(job.First + intakes.Count, settings.Seed) }));
                intakes[^1].ReadAll();
            }
            IntakeSums sums = IntakeSums.Of(job, intakes);
            if (sums.Weights.RowCount == 0)
                throw sums.RowsSetAside > 0 ? NothingLeft(sums.RowsSetAside) : intakes[0].Reader.NoUsableRow("training", sums.Counts);
            Counts = sums.Counts;
            // Without units the weight of a column that is always 0 stays what it is at the beginning.
            ActiveFeatures columns = Decisions.LeavesOutZeroFeatures(settings) ? sums.Moments.Occurring() : ActiveFeatures.All(featureCount);
            if (previous is not null)
                columns = columns.With(previous.Columns);
            // Millions of columns take a tenth of a second each time.
            cancellation.ThrowIfCancellationRequested();
            Scaling = new Scaling(columns, sums.Moments, sums.Weights.RowCount, settings, previous, cancellation);
            cancellation.ThrowIfCancellationRequested();
            Layout = new RowLayout(columns, Scaling.IsSparse, intakes[0].Reader.HasWeights);
            Weights = sums.Weights;
            Training = new RowSet([.. intakes.Select(intake => Pack(intake.Training, settings.NumberOfThreads, cancellation))], job);
            if (sums.RowsSetAside > 0)
                Validation = new RowSet([.. intakes.Select(intake => Pack(intake.SetAside, settings.NumberOfThreads, cancellation))], job);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The rows to train on; at least one.</summary>
    public RowSet Training { get; }

    /// <summary>The rows that evaluate each epoch, or null.</summary>
    public RowSet? Validation { get; private set; }

    /// <summary>The processes that have them.</summary>
    public Job Job { get; }

    /// <summary>The units of all rows.</summary>
    public Scaling Scaling { get; }

    public RowLayout Layout { get; }

    /// <summary>The weights of the rows to train on, as they were read.</summary>
    public ExampleWeights Weights { get; }

    /// <summary>How many rows were read and skipped.</summary>
    public RowCounts Counts { get; }

    /// <summary>
    /// Reads, shuffles and scales the training rows, and sets validation rows aside if the settings ask for it. Rows with a
    /// missing or infinite value, or a weight not above 0, are skipped and counted.
    /// </summary>
    /// <param name="parts">The rows, one reader for each part; each is read before the next one is asked for.</param>
    /// <param name="job">All parts.</param>
    /// <param name="featureCount">Length of every feature vector.</param>
    /// <param name="settings">Units, order, and share of validation rows.</param>
    /// <param name="previous">Shift and scale to keep, or null to find them in the rows.</param>
    /// <param name="allocator">Where the memory comes from.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <param name="openFile">Opens the file for rows beyond the limit; null for one in the folder of the settings.</param>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="IOException">There is no room for the file.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingRows Read(IEnumerable<IRowSource> parts, Shards job, int featureCount, ReadingSettings settings, Scaling? previous,
        ISlabAllocator allocator, CancellationToken cancellation, Func<ISpillFile>? openFile = null) =>
        new(parts, job, featureCount, settings, previous, allocator, openFile, cancellation);

    /// <summary>Reads validation rows, in the units of the training rows and straight to where they stay.</summary>
    /// <param name="parts">The rows, one reader for each part; each is read before the next one is asked for.</param>
    /// <param name="job">All parts.</param>
    /// <returns>How many rows were read and skipped.</returns>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public RowCounts ReadValidation(IEnumerable<IRowSource> parts, Shards job)
    {
        var stores = new List<PackedRows>();
        var counts = new List<RowCounts>();
        IRowSource? last = null;
        foreach (IRowSource reader in parts)
        {
            stores.Add(ReadStore(reader));
            counts.Add(reader.Counts);
            last = reader;
        }
        RowCounts total = RowCounts.Sum(job, counts);
        var validation = new RowSet(stores, job);
        Validation = validation.RowCount > 0 ? validation : throw last!.NoUsableRow("validation", total);
        return total;
    }

    public void Dispose() => _chunks.Dispose();

    private PackedRows ReadStore(IRowSource reader)
    {
        var store = new PackedRows(_chunks, Layout, Scaling, Weights.Mean);
        var block = new RowBlock(reader.FeatureCount);
        for (bool more = true; more;)
        {
            more = reader.Fill(block);
            for (int number = 0; number < block.RowCount; number++)
            {
                Row row = block.RowAt(number);
                if (reader.CheckFinite(row))
                    store.Add(row);
            }
        }
        return store;
    }

    private PackedRows Pack(RowBuckets rows, int numberOfThreads, CancellationToken cancellation)
    {
        var store = new PackedRows(_chunks, Layout, Scaling, Weights.Mean);
        store.AddAll(rows, numberOfThreads, cancellation);
        return store;
    }

    /// <summary>Parts whose rows are alike, as those of two years, must not be shuffled alike; the first has the seed itself.</summary>
    private static int SeedOf(int part, int seed) => part == 0 ? seed : (int)new SeededRandom(seed, RandomStream.Shard).Bits(part);

    private static InvalidOperationException NothingLeft(long setAside) => new(
        $"ValidationFraction set all {setAside} usable rows aside, and none is left to train on. Lower it or give more rows.");
}
