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

    private readonly ChunkPool _pool;
    private readonly ChunkPool _validationPool;
    private readonly double _meanWeight;

    private TrainingRows(RowReader reader, ReadingSettings settings, Scaling? previous, ISlabAllocator allocator, CancellationToken cancellation)
    {
        _pool = NewPool(reader.FeatureCount, allocator);
        _validationPool = NewPool(reader.FeatureCount, allocator);
        try
        {
            var intake = new Intake(reader, _pool, _validationPool, settings);
            intake.ReadAll();
            RowBuckets training = intake.Training;
            if (training.RowCount == 0)
                throw intake.SetAside.RowCount > 0 ? NothingLeft(intake.SetAside.RowCount) : reader.NoUsableRow("training");
            Counts = reader.Counts;
            Scaling = new Scaling(intake.Moments, reader.FeatureCount, training.RowCount, settings.Standardize, settings.MayDecorrelate, previous);
            Layout = new RowLayout(Scaling.IsSparse, reader.HasWeights);
            _meanWeight = training.TotalWeight / training.RowCount;
            Training = Pack(training, _pool, cancellation);
            if (intake.SetAside.RowCount > 0)
                Validation = Pack(intake.SetAside, _validationPool, cancellation);
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
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingRows Read(RowReader reader, ReadingSettings settings, Scaling? previous, ISlabAllocator allocator, CancellationToken cancellation) =>
        new(reader, settings, previous, allocator, cancellation);

    /// <summary>Reads validation rows, in the units of the training rows and straight to where they stay.</summary>
    /// <exception cref="InvalidOperationException">No usable row, or a row of another length.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void ReadValidation(RowReader reader)
    {
        var store = new RowStore(_validationPool, Layout, Scaling, _meanWeight);
        reader.ReadAll((in Row row) =>
        {
            if (reader.CheckFinite(row))
                store.Add(row);
        });
        Validation = store.RowCount > 0 ? store : throw reader.NoUsableRow("validation");
    }

    public void Dispose()
    {
        _pool.Dispose();
        _validationPool.Dispose();
    }

    private static ChunkPool NewPool(int featureCount, ISlabAllocator allocator) =>
        new(allocator, (int)Math.Clamp(8 * RowBucket.DenseRecordWords(featureCount), ShortestChunk, LongestChunk));

    private RowStore Pack(RowBuckets rows, ChunkPool pool, CancellationToken cancellation)
    {
        var store = new RowStore(pool, Layout, Scaling, _meanWeight);
        rows.Drain(store.Add, cancellation);
        return store;
    }

    private static InvalidOperationException NothingLeft(long setAside) => new(
        $"ValidationFraction set all {setAside} usable rows aside, and none is left to train on. Lower it or give more rows.");

    /// <summary>The rows on their way in: checked, split, summed up, and dealt to buckets.</summary>
    private sealed class Intake(RowReader reader, ChunkPool pool, ChunkPool validationPool, ReadingSettings settings)
    {
        private readonly RowBlock _block = new(reader.FeatureCount);
        private readonly SeededRandom _split = new(settings.Seed, RandomStream.ValidationSplit);
        private long _usableRows;

        public RowBuckets Training { get; } = new(pool, reader.FeatureCount, settings.Shuffle, settings.Seed);

        public RowBuckets SetAside { get; } = new(validationPool, reader.FeatureCount, shuffle: false, settings.Seed);

        /// <summary>Of the training rows' columns and, behind them, the label.</summary>
        public ColumnMoments Moments { get; } = new(RowBlock.RowLengthOf(reader.FeatureCount), columnCount: reader.FeatureCount + 1);

        public void ReadAll()
        {
            reader.ReadAll(Add);
            Flush();
        }

        private void Add(in Row row)
        {
            if (!row.IsDense)
            {
                AddSparse(row);
                return;
            }
            if (_block.IsFull)
                Flush();
            _block.Add(row);
        }

        private void AddSparse(in Row row)
        {
            // First the dense rows that came before: a row's position decides its bucket, however it is encoded.
            Flush();
            if (!reader.CheckFinite(row))
                return;
            if (NextIsSetAside())
            {
                SetAside.Add(row);
                return;
            }
            Moments.AddSparse(row);
            Training.Add(row);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Flush()
        {
            if (!_block.AllFinite)
                _block.Keep(reader.CheckFinite);
            if (settings.ValidationFraction > 0)
                _block.Keep(IsForTraining);
            Moments.AddDense(_block.Rows);
            for (int offset = 0; offset < _block.Rows.Length; offset += _block.RowLength)
                Training.Add(_block.RowAt(offset));
            _block.Clear();
        }

        private bool IsForTraining(in Row row)
        {
            bool setAside = NextIsSetAside();
            if (setAside)
                SetAside.Add(row);
            return !setAside;
        }

        /// <summary>Decides on the next usable row: a pure function of the seed and the row's number.</summary>
        private bool NextIsSetAside() => settings.ValidationFraction > 0 && _split.Unit(_usableRows++) < settings.ValidationFraction;
    }
}
