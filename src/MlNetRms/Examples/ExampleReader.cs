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
    private readonly RowBuckets _buckets;
    private readonly ColumnMoments _moments;
    private readonly float[] _block;
    private int _blockLength;
    private RowCounts _counts;

    private ExampleReader(ChunkPool pool, int featureCount, RmsPropRegressionTrainer.Options options)
    {
        _featureCount = featureCount;
        _buckets = new RowBuckets(pool, featureCount, options.Shuffle, options.Seed);
        _rowLength = ExampleStore.WholeVectors(RowBuckets.DenseRowLength(featureCount));
        _moments = new ColumnMoments(_rowLength, columnCount: featureCount + 1);
        _block = new float[Math.Max(1, BlockBytes / sizeof(float) / _rowLength) * _rowLength];
    }

    /// <summary>Reads, shuffles and standardises. Rows with a missing or infinite value, or a weight not above 0, are left out and counted.</summary>
    /// <exception cref="InvalidOperationException">No usable row.</exception>
    public static ExampleStore Read(IDataView data, TrainingColumns columns, RmsPropRegressionTrainer.Options options,
        out Standardizer standardizer, out RowCounts counts)
    {
        int featureCount = ((VectorDataViewType)columns.Features.Type).Size;
        var pool = new ChunkPool((int)Math.Clamp(8L * RowBuckets.DenseRowLength(featureCount), ShortestChunk, LongestChunk));
        try
        {
            var reader = new ExampleReader(pool, featureCount, options);
            reader.ReadAll(data, columns);
            counts = reader._counts;
            if (reader._buckets.RowCount == 0)
                throw NoUsableRow(columns, counts);

            standardizer = new Standardizer(reader._moments, featureCount, options.Standardize);
            var store = new ExampleStore(pool, standardizer, reader._buckets.RowCount, hasWeights: columns.Weight is not null);
            for (int bucket = 0; bucket < reader._buckets.Count; bucket++)
                reader._buckets.Drain(bucket, store.Add);
            return store;
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    private void ReadAll(IDataView data, TrainingColumns columns)
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
        _moments.AddSparse(indices, values, weight);
        _moments.AddSparse(_featureCount, label, weight);
        _buckets.AddSparse(indices, values, label, weight);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FlushBlock()
    {
        Span<float> rows = _block.AsSpan(0, _blockLength);
        _blockLength = 0;
        if (!MomentKernels.AllFinite(rows))
            rows = rows[..KeepFiniteRows(rows)];
        _moments.AddDense(rows);
        for (int row = 0; row < rows.Length; row += _rowLength)
            _buckets.AddDense(rows.Slice(row, RowBuckets.DenseRowLength(_featureCount)));
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

    private static InvalidOperationException NoUsableRow(TrainingColumns columns, RowCounts counts)
    {
        if (counts.Read == 0)
            return new InvalidOperationException("The training data has no rows.");
        string weightReason = columns.Weight is { } weight
            ? $", {counts.BadWeight} for a weight in column '{weight.Name}' that is not a finite number above 0"
            : "";
        return new InvalidOperationException(
            $"None of the {counts.Read} training rows can be used: {counts.BadLabel} were skipped for a missing or infinite label in column " +
            $"'{columns.Label.Name}'{weightReason}, {counts.BadFeatures} for a missing or infinite feature in column '{columns.Features.Name}'. " +
            "Replace missing values (mlContext.Transforms.ReplaceMissingValues) or check how the columns are loaded.");
    }
}
