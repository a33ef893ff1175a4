using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>The rows of a training in its units, with the memory they occupy: those trained on, and those that evaluate it.</summary>
internal sealed class TrainingRows : IDisposable
{
    private readonly RowMemory _memory;
    private readonly RowUnits _units;

    private TrainingRows(IEnumerable<IRowSource> shards, Shards job, int featureCount, ReadingSettings settings, Scaling? previous,
        RowMemory memory, CancellationToken cancellation)
    {
        Job = job.Job;
        _memory = memory;
        try
        {
            var intakes = new List<RowIntake>();
            var block = new RowBlock(featureCount);
            foreach (IRowSource reader in shards)
            {
                int seed = SeedOf(job.First + intakes.Count, settings.Seed);
                intakes.Add(new RowIntake(reader, memory, settings with { Seed = seed }, RowSample.Of(job, featureCount, seed)));
                intakes[^1].ReadAll(block);
            }
            IntakeSums sums = IntakeSums.Gather(job, intakes);
            if (sums.Weights.RowCount == 0)
                throw sums.RowsSetAside > 0 ? NothingLeft(sums.RowsSetAside) : intakes[0].Reader.NoUsableRow("training", sums.Counts);
            Counts = sums.Counts;
            // Without standardisation, the weight of a column that is always 0 keeps its first value.
            ActiveFeatures columns = Decisions.LeavesOutZeroFeatures(settings) ? sums.Moments.Occurring() : ActiveFeatures.All(featureCount);
            if (previous is not null)
                columns = columns.With(previous.Columns);
            // Millions of columns take a tenth of a second each time.
            cancellation.ThrowIfCancellationRequested();
            Scaling = new Scaling(columns, sums.Moments, sums.Weights.RowCount, settings, previous, cancellation);
            cancellation.ThrowIfCancellationRequested();
            Layout = new RowLayout(columns, Scaling.IsSparse, intakes[0].Reader.HasWeights);
            Weights = sums.Weights;
            Samples = [.. intakes.Select(intake => intake.Sample)];
            SampledRows = (long)job.Sum([.. Samples.Select(sample => new double[] { sample.Count })])[0];
            _units = new RowUnits(Layout, Scaling, Weights.Mean);
            Training = Pack(intakes.Select(intake => intake.Training));
            if (sums.RowsSetAside > 0)
                Validation = Pack(intakes.Select(intake => intake.SetAside));
        }
        catch
        {
            Dispose();
            throw;
        }

        RowSet Pack(IEnumerable<RowBuckets> shards) =>
            new([.. shards.Select(rows => PackedRows.Pack(memory, _units, rows, settings.NumberOfThreads, cancellation))], job);
    }

    /// <summary>The rows to train on; at least one.</summary>
    public RowSet Training { get; }

    /// <summary>The rows that evaluate each epoch, or null.</summary>
    public RowSet? Validation { get; private set; }

    /// <summary>The processes of the job.</summary>
    public Job Job { get; }

    /// <summary>The units of all rows.</summary>
    public Scaling Scaling { get; }

    public RowLayout Layout { get; }

    /// <summary>The example weights of the rows to train on, as read.</summary>
    public ExampleWeights Weights { get; }

    /// <summary>Some of the rows to train on as read, of each of this process's shards.</summary>
    public IReadOnlyList<RowSample> Samples { get; }

    /// <summary>How many rows have been kept as read, of all shards.</summary>
    public long SampledRows { get; }

    /// <summary>How many rows were read and skipped.</summary>
    public RowCounts Counts { get; }

    /// <summary>
    /// Reads, shuffles and scales the training rows, and sets validation rows aside if the settings ask for it. Rows with a
    /// missing or infinite value, or a weight not above 0, are skipped and counted.
    /// </summary>
    /// <param name="shards">The rows, one reader for each shard; each is read before the next one is asked for.</param>
    /// <param name="job">All shards.</param>
    /// <param name="featureCount">Length of every feature vector.</param>
    /// <param name="settings">Units, order, and share of validation rows.</param>
    /// <param name="previous">Shift and scale to keep, or null to find them in the rows.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <param name="memory">Holds the rows; it is disposed of with them. Null for memory with the limit and the folder of the settings.</param>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="IOException">There is no room for the file.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingRows Read(IEnumerable<IRowSource> shards, Shards job, int featureCount, ReadingSettings settings, Scaling? previous,
        CancellationToken cancellation, RowMemory? memory = null) =>
        new(shards, job, featureCount, settings, previous, memory ?? NewMemory(settings), cancellation);

    /// <summary>Reads validation rows, in the units of the training rows and in their order.</summary>
    /// <param name="shards">The rows, one reader for each shard; each is read before the next one is asked for.</param>
    /// <param name="job">All shards.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>How many rows were read and skipped.</returns>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="IOException">There is no room for the file.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public RowCounts ReadValidation(IEnumerable<IRowSource> shards, Shards job, CancellationToken cancellation)
    {
        var packed = new List<PackedRows>();
        var counts = new List<RowCounts>();
        IRowSource? last = null;
        foreach (IRowSource reader in shards)
        {
            packed.Add(PackedRows.Pack(_memory, _units, ReadInOrder(reader), numberOfThreads: 1, cancellation));
            counts.Add(reader.Counts);
            last = reader;
        }
        RowCounts total = RowCounts.Sum(job, counts);
        var validation = new RowSet(packed, job);
        Validation = validation.RowCount > 0 ? validation : throw last!.NoUsableRow("validation", total);
        return total;
    }

    public void Dispose() => _memory.Dispose();

    private static RowMemory NewMemory(ReadingSettings settings) =>
        new(pageWords: null, settings.MemoryLimit, () => new SpillFile(settings.TemporaryDirectory));

    private RowBuckets ReadInOrder(IRowSource reader)
    {
        var rows = new RowBuckets(_memory, reader.FeatureCount, shuffle: false, seed: 0);
        var block = new RowBlock(reader.FeatureCount);
        for (bool more = true; more;)
        {
            more = reader.Fill(block);
            for (int number = 0; number < block.RowCount; number++)
            {
                Row row = block.RowAt(number);
                if (reader.CheckFinite(row))
                    rows.Add(row);
            }
        }
        rows.Complete();
        return rows;
    }

    /// <summary>Similar shards, such as two years of the same data, must not be shuffled in the same way. The first has the seed itself.</summary>
    private static int SeedOf(int shard, int seed) => shard == 0 ? seed : (int)new SeededRandom(seed, RandomStream.Shard).Bits(shard);

    private static InvalidOperationException NothingLeft(long setAside) => new(
        $"ValidationFraction set all {setAside} usable rows aside, and none is left to train on. Lower it or give more rows.");
}
