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
internal static class ExampleReader
{
    /// <summary>64 KiB: a bucket's half-filled last chunk costs little memory, and a chunk still holds hundreds of usual rows.</summary>
    private const int ShortestChunk = 1 << 14;
    private const int LongestChunk = 1 << 17;

    /// <summary>Reads, shuffles and standardises. Rows with a missing or infinite value, or a weight not above 0, are left out and counted.</summary>
    /// <exception cref="InvalidOperationException">No usable row.</exception>
    public static ExampleStore Read(IDataView data, TrainingColumns columns, RmsPropRegressionTrainer.Options options,
        out Standardizer standardizer, out RowCounts counts)
    {
        (DataViewSchema.Column features, DataViewSchema.Column label, DataViewSchema.Column? weight) = columns;
        int featureCount = ((VectorDataViewType)features.Type).Size;
        long chunkLength = Math.Clamp(8 * RowBuckets.DenseRecordWords(featureCount), ShortestChunk, LongestChunk);
        var pool = new ChunkPool((int)chunkLength);
        try
        {
            var buckets = new RowBuckets(pool, featureCount, options.Shuffle, options.Seed);
            var columnMoments = new ColumnMoments(featureCount);
            Moments labelMoments = default;
            counts = default;
            DataViewSchema.Column[] needed = weight is { } column ? [features, label, column] : [features, label];
            using (DataViewRowCursor cursor = data.GetRowCursor(needed))
            {
                ValueGetter<VBuffer<float>> getFeatures = cursor.GetGetter<VBuffer<float>>(features);
                ValueGetter<float> getLabel = cursor.GetGetter<float>(label);
                ValueGetter<float>? getWeight = weight is { } weightColumn ? cursor.GetGetter<float>(weightColumn) : null;
                VBuffer<float> row = default;
                float rowLabel = 0;
                float rowWeight = 1;
                while (cursor.MoveNext())
                {
                    counts.Read++;
                    getLabel(ref rowLabel);
                    if (!float.IsFinite(rowLabel))
                    {
                        counts.BadLabel++;
                        continue;
                    }
                    getWeight?.Invoke(ref rowWeight);
                    if (!(rowWeight > 0 && float.IsFinite(rowWeight)))
                    {
                        counts.BadWeight++;
                        continue;
                    }
                    getFeatures(ref row);
                    ReadOnlySpan<float> values = row.GetValues();
                    if (!LinearKernels.AllFinite(values))
                    {
                        counts.BadFeatures++;
                        continue;
                    }
                    labelMoments.Add(rowLabel, rowWeight);
                    if (row.IsDense)
                    {
                        columnMoments.AddDense(values, rowWeight);
                        buckets.AddDense(values, rowLabel, rowWeight);
                    }
                    else
                    {
                        columnMoments.AddSparse(row.GetIndices(), values, rowWeight);
                        buckets.AddSparse(row.GetIndices(), values, rowLabel, rowWeight);
                    }
                }
            }
            if (buckets.RowCount == 0)
                throw NoUsableRow(features.Name, label.Name, weight?.Name, counts);

            standardizer = new Standardizer(columnMoments, labelMoments, featureCount, options.Standardize);
            var store = new ExampleStore(pool, standardizer, buckets.RowCount, hasWeights: weight is not null);
            for (int bucket = 0; bucket < buckets.Count; bucket++)
                buckets.Drain(bucket, store.Add);
            return store;
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    private static InvalidOperationException NoUsableRow(string features, string label, string? weight, RowCounts counts)
    {
        if (counts.Read == 0)
            return new InvalidOperationException("The training data has no rows.");
        string weightReason = weight is null ? "" : $", {counts.BadWeight} for a weight in column '{weight}' that is not a finite number above 0";
        return new InvalidOperationException(
            $"None of the {counts.Read} training rows can be used: {counts.BadLabel} were skipped for a missing or infinite label in column " +
            $"'{label}'{weightReason}, {counts.BadFeatures} for a missing or infinite feature in column '{features}'. " +
            "Replace missing values (mlContext.Transforms.ReplaceMissingValues) or check how the columns are loaded.");
    }
}
