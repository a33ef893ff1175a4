using System.Runtime.CompilerServices;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Data;

/// <summary>The rows of a training in its units, with the memory they occupy: those trained on, and those that evaluate it.</summary>
internal sealed class TrainingRows : IDisposable
{
    /// <summary>64 KiB: a bucket's half-filled last chunk costs little memory, and a chunk still holds hundreds of usual rows.</summary>
    private const int ShortestChunk = 1 << 14;
    private const int LongestChunk = 1 << 17;

    private readonly ChunkStore _chunks;

    private TrainingRows(RowReader reader, ReadingSettings settings, Scaling? previous, ISlabAllocator allocator, Func<ISpillFile>? openFile,
        CancellationToken cancellation)
    {
        int chunkLength = (int)Math.Clamp(8 * RowBucket.DenseRecordWords(reader.FeatureCount), ShortestChunk, LongestChunk);
        _chunks = new ChunkStore(new ChunkPool(allocator, chunkLength), settings.MemoryLimit,
            openFile ?? (() => new SpillFile(settings.TemporaryDirectory)));
        try
        {
            var intake = new RowIntake(reader, _chunks, settings);
            intake.ReadAll();
            RowBuckets training = intake.Training;
            if (training.RowCount == 0)
                throw intake.SetAside.RowCount > 0 ? NothingLeft(intake.SetAside.RowCount) : reader.NoUsableRow("training");
            Counts = reader.Counts;
            // Without units the weight of a column that is always 0 stays what it is at the beginning.
            TrainedColumns columns = settings.Standardize ? intake.Moments.Occurring() : TrainedColumns.All(reader.FeatureCount);
            if (previous is not null)
                columns = columns.With(previous.Columns);
            // Millions of columns take a tenth of a second each time.
            cancellation.ThrowIfCancellationRequested();
            Scaling = new Scaling(columns, intake.Moments, training.RowCount, settings.Standardize, settings.MayDecorrelate, previous);
            cancellation.ThrowIfCancellationRequested();
            Layout = new RowLayout(columns, Scaling.IsSparse, reader.HasWeights);
            Weights = training.Weights;
            Training = Pack(training, settings.NumberOfThreads, cancellation);
            if (intake.SetAside.RowCount > 0)
                Validation = Pack(intake.SetAside, settings.NumberOfThreads, cancellation);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The rows to train on; at least one.</summary>
    public RowStore Training { get; }

    /// <summary>The rows that evaluate each epoch, or null.</summary>
    public RowStore? Validation { get; private set; }

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
    /// <param name="reader">The rows.</param>
    /// <param name="settings">Units, order, and share of validation rows.</param>
    /// <param name="previous">Shift and scale to keep, or null to find them in the rows.</param>
    /// <param name="allocator">Where the memory comes from.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <param name="openFile">Opens the file for rows beyond the limit; null for one in the folder of the settings.</param>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="IOException">There is no room for the file.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingRows Read(RowReader reader, ReadingSettings settings, Scaling? previous, ISlabAllocator allocator,
        CancellationToken cancellation, Func<ISpillFile>? openFile = null) =>
        new(reader, settings, previous, allocator, openFile, cancellation);

    /// <summary>Reads validation rows, in the units of the training rows and straight to where they stay.</summary>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void ReadValidation(RowReader reader)
    {
        var store = new RowStore(_chunks, Layout, Scaling, Weights.Mean);
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
        Validation = store.RowCount > 0 ? store : throw reader.NoUsableRow("validation");
    }

    public void Dispose() => _chunks.Dispose();

    private RowStore Pack(RowBuckets rows, int numberOfThreads, CancellationToken cancellation)
    {
        var store = new RowStore(_chunks, Layout, Scaling, Weights.Mean);
        store.AddAll(rows, numberOfThreads, cancellation);
        return store;
    }

    private static InvalidOperationException NothingLeft(long setAside) => new(
        $"ValidationFraction set all {setAside} usable rows aside, and none is left to train on. Lower it or give more rows.");
}
