using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms.Kernels;
using MlNetRms.MlNet;

namespace MlNetRms.Examples;

/// <summary>How many rows were read, and how many of them were left out, by reason.</summary>
internal record struct RowCounts(long Read, long BadLabel, long BadWeight, long BadFeatures)
{
    public readonly long Skipped => BadLabel + BadWeight + BadFeatures;
}

/// <summary>What a pass over the training data gives.</summary>
/// <param name="Training">The rows to train on.</param>
/// <param name="Validation">The rows set aside, or null.</param>
/// <param name="Standardizer">What the training rows were shifted and scaled by.</param>
/// <param name="Counts">How many rows were read and skipped.</param>
internal sealed record ReadRows(ExampleStore Training, ExampleStore? Validation, Standardizer Standardizer, RowCounts Counts);

/// <summary>Reads the training rows: the only cursor of a training, one pass, the needed columns alone.</summary>
internal sealed class ExampleReader
{
    /// <summary>64 KiB: a bucket's half-filled last chunk costs little memory, and a chunk still holds hundreds of usual rows.</summary>
    private const int ShortestChunk = 1 << 14;
    private const int LongestChunk = 1 << 17;

    /// <summary>Dense rows are checked and summed up in blocks that stay in the first-level cache.</summary>
    private const int BlockBytes = 24 * 1024;

    private readonly int _featureCount;
    private readonly int _rowLength;
    private readonly RowBuckets _training;
    private readonly RowBuckets? _validation;
    private readonly SeededRandom _split;
    private readonly float _validationFraction;
    private readonly ColumnMoments _moments;
    private readonly float[] _block;
    private int _blockLength;
    private long _usableRows;
    private RowCounts _counts;

    private ExampleReader(ChunkPool pool, ChunkPool? validationPool, int featureCount, bool shuffle, RmsPropRegressionTrainer.Options options)
    {
        _featureCount = featureCount;
        _training = new RowBuckets(pool, featureCount, shuffle, options.Seed);
        _validation = validationPool is null ? null : new RowBuckets(validationPool, featureCount, shuffle: false, options.Seed);
        _split = new SeededRandom(options.Seed, RandomStream.ValidationSplit);
        _validationFraction = options.ValidationFraction;
        _rowLength = ExampleStore.WholeVectors(RowBuckets.DenseRowLength(featureCount));
        _moments = new ColumnMoments(_rowLength, columnCount: featureCount + 1);
        _block = new float[Math.Max(1, BlockBytes / sizeof(float) / _rowLength) * _rowLength];
    }

    /// <summary>
    /// Reads, shuffles and standardises the training rows, and sets the validation rows aside if options ask for it. Rows
    /// with a missing or infinite value, or a weight not above 0, are left out and counted.
    /// </summary>
    /// <param name="data">The rows.</param>
    /// <param name="columns">Where they stand.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="previous">Shift and scale to keep, or null to find them in the rows.</param>
    /// <exception cref="InvalidOperationException">No usable row.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ReadRows ReadTraining(IDataView data, TrainingColumns columns, RmsPropRegressionTrainer.Options options, Standardizer? previous)
    {
        var pool = NewPool(columns);
        ChunkPool? validationPool = options.ValidationFraction > 0 ? NewPool(columns) : null;
        try
        {
            var reader = new ExampleReader(pool, validationPool, columns.FeatureCount, options.Shuffle, options);
            reader.ReadAll(data, columns, options.CancellationToken);
            if (reader._training.RowCount == 0)
                throw NoUsableRow("training", columns, reader._counts, setAside: reader._validation?.RowCount ?? 0);
            var standardizer = new Standardizer(reader._moments, columns.FeatureCount, options.Standardize, previous);
            return new ReadRows(Pack(reader._training, pool, standardizer, columns, options.CancellationToken),
                reader._validation is { RowCount: > 0 } ? Pack(reader._validation, validationPool!, standardizer, columns, options.CancellationToken) : null,
                standardizer, reader._counts);
        }
        catch
        {
            pool.Dispose();
            validationPool?.Dispose();
            throw;
        }
    }

    /// <summary>Reads rows that are only judged, as the training rows' standardisation has them.</summary>
    /// <exception cref="InvalidOperationException">No usable row.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExampleStore ReadValidation(IDataView data, TrainingColumns columns, RmsPropRegressionTrainer.Options options,
        Standardizer standardizer, out RowCounts counts)
    {
        var pool = NewPool(columns);
        try
        {
            var reader = new ExampleReader(pool, validationPool: null, columns.FeatureCount, shuffle: false, options);
            reader.ReadAll(data, columns, options.CancellationToken);
            counts = reader._counts;
            if (reader._training.RowCount == 0)
                throw NoUsableRow("validation", columns, reader._counts, setAside: 0);
            return Pack(reader._training, pool, standardizer, columns, options.CancellationToken);
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    private static ChunkPool NewPool(TrainingColumns columns) =>
        new((int)Math.Clamp(8L * RowBuckets.DenseRowLength(columns.FeatureCount), ShortestChunk, LongestChunk));

    private static ExampleStore Pack(RowBuckets buckets, ChunkPool pool, Standardizer standardizer, TrainingColumns columns, CancellationToken cancellation)
    {
        double? meanWeight = columns.Weight is null ? null : buckets.TotalWeight / buckets.RowCount;
        var store = new ExampleStore(pool, standardizer, buckets.RowCount, meanWeight);
        for (int bucket = 0; bucket < buckets.Count; bucket++)
            buckets.Drain(bucket, store.Add, cancellation);
        return store;
    }

    private void ReadAll(IDataView data, TrainingColumns columns, CancellationToken cancellation)
    {
        (DataViewSchema.Column features, DataViewSchema.Column label, DataViewSchema.Column? weight) = columns;
        using DataViewRowCursor cursor = data.GetRowCursor(weight is { } needed ? [features, label, needed] : [features, label]);
        ValueGetter<VBuffer<float>> getFeatures = cursor.GetGetter<VBuffer<float>>(features);
        ValueGetter<float> getLabel = cursor.GetGetter<float>(label);
        ValueGetter<float>? getWeight = weight is { } column ? cursor.GetGetter<float>(column) : null;
        VBuffer<float> row = default;
        float rowLabel = 0;
        float rowWeight = 1;
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            _counts.Read++;
            getLabel(ref rowLabel);
            if (!float.IsFinite(rowLabel))
            {
                _counts.BadLabel++;
                continue;
            }
            getWeight?.Invoke(ref rowWeight);
            if (!(rowWeight > 0 && float.IsFinite(rowWeight)))
            {
                _counts.BadWeight++;
                continue;
            }
            getFeatures(ref row);
            if (row.IsDense)
                AddDense(row.GetValues(), rowLabel, rowWeight);
            else
                AddSparse(row.GetIndices(), row.GetValues(), rowLabel, rowWeight);
        }
        FlushBlock();
    }

    private void AddDense(ReadOnlySpan<float> values, float label, float weight)
    {
        if (_blockLength == _block.Length)
            FlushBlock();
        Span<float> row = _block.AsSpan(_blockLength, _rowLength);
        values.CopyTo(row);
        row[_featureCount] = label;
        row[_featureCount + 1] = weight;
        _blockLength += _rowLength;
    }

    private void AddSparse(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, float label, float weight)
    {
        // First the dense rows that came before: the place of a row decides its bucket, however it is encoded.
        FlushBlock();
        if (!MomentKernels.AllFinite(values))
        {
            _counts.BadFeatures++;
            return;
        }
        if (IsForValidation())
        {
            _validation!.AddSparse(indices, values, label, weight);
            return;
        }
        _moments.AddSparse(indices, values, weight);
        _moments.AddSparse(_featureCount, label, weight);
        _training.AddSparse(indices, values, label, weight);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FlushBlock()
    {
        Span<float> rows = _block.AsSpan(0, _blockLength);
        _blockLength = 0;
        if (!MomentKernels.AllFinite(rows))
            rows = rows[..KeepFiniteRows(rows)];
        if (_validation is not null)
            rows = rows[..KeepTrainingRows(rows, _validation)];
        _moments.AddDense(rows);
        for (int row = 0; row < rows.Length; row += _rowLength)
            _training.AddDense(rows.Slice(row, RowBuckets.DenseRowLength(_featureCount)));
    }

    /// <summary>Whether the next usable row is set aside: a pure function of the seed and the row's number.</summary>
    private bool IsForValidation() => _validation is not null && _split.Unit(_usableRows++) < _validationFraction;

    /// <summary>Sets validation rows aside, moves the others to the front and returns their length.</summary>
    private int KeepTrainingRows(Span<float> rows, RowBuckets validation)
    {
        int kept = 0;
        for (int row = 0; row < rows.Length; row += _rowLength)
        {
            Span<float> candidate = rows.Slice(row, _rowLength);
            if (IsForValidation())
            {
                validation.AddDense(candidate[..RowBuckets.DenseRowLength(_featureCount)]);
                continue;
            }
            candidate.CopyTo(rows[kept..]);
            kept += _rowLength;
        }
        return kept;
    }

    /// <summary>Moves the rows without a missing or infinite value to the front and returns their length.</summary>
    private int KeepFiniteRows(Span<float> rows)
    {
        int kept = 0;
        for (int row = 0; row < rows.Length; row += _rowLength)
        {
            Span<float> candidate = rows.Slice(row, _rowLength);
            if (!MomentKernels.AllFinite(candidate))
            {
                _counts.BadFeatures++;
                continue;
            }
            candidate.CopyTo(rows[kept..]);
            kept += _rowLength;
        }
        return kept;
    }

    private static InvalidOperationException NoUsableRow(string role, TrainingColumns columns, RowCounts counts, long setAside)
    {
        if (counts.Read == 0)
            return new InvalidOperationException($"The {role} data has no rows.");
        if (setAside > 0)
            return new InvalidOperationException(
                $"ValidationFraction set all {setAside} usable rows aside, and none is left to train on. Lower it or give more rows.");
        string weightReason = columns.Weight is { } weight
            ? $", {counts.BadWeight} for a weight in column '{weight.Name}' that is not a finite number above 0"
            : "";
        return new InvalidOperationException(
            $"None of the {counts.Read} {role} rows can be used: {counts.BadLabel} were skipped for a missing or infinite label in column " +
            $"'{columns.Label.Name}'{weightReason}, {counts.BadFeatures} for a missing or infinite feature in column '{columns.Features.Name}'. " +
            "Replace missing values (mlContext.Transforms.ReplaceMissingValues) or check how the columns are loaded.");
    }
}
