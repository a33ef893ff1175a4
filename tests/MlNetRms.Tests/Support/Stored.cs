using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Tests.Support;

/// <summary>Reads and packs rows as training does, and returns single packed rows.</summary>
internal static class Stored
{
    public static TrainingRows Read(Examples rows, RmsPropRegressionTrainer.Options options) => Read(rows, options, out _, _ => false);

    public static TrainingRows Read(Examples rows, RmsPropRegressionTrainer.Options options, out Scaling scaling, Func<int, bool> isSparse)
    {
        if (rows.Weights is not null)
            options.ExampleWeightColumnName = nameof(Support.Example.Weight);
        TrainingRows read = Read(rows.View(new MLContext(1), isSparse), options);
        scaling = read.Scaling;
        return read;
    }

    public static TrainingRows Read(IDataView view, RmsPropRegressionTrainer.Options options, RowMemory? memory = null) =>
        Read([view], options, memory);

    /// <summary>Reads several shards, as a job of one process does.</summary>
    public static TrainingRows Read(IReadOnlyList<IDataView> shards, RmsPropRegressionTrainer.Options options, RowMemory? memory = null)
    {
        TrainingSettings settings = options.ToSettings();
        InputColumns columns = SchemaChecks.Find(shards[0].Schema, settings.Columns);
        Shards job = shards.Count == 1 ? Shards.One : new Shards(Shards.One.Job, shards.Count);
        return TrainingRows.Read(Open(), job, columns.FeatureCount, settings.Reading, previous: null, options.CancellationToken, memory);

        IEnumerable<RowReader> Open()
        {
            foreach (IDataView shard in shards)
            {
                using var reader = new RowReader(shard, SchemaChecks.Find(shard.Schema, settings.Columns), options.CancellationToken);
                yield return reader;
            }
        }
    }

    /// <summary>Memory for rows of some length, as training takes it.</summary>
    public static RowMemory Memory(int featureCount, long? limit = null, Func<SpillFile>? openFile = null) =>
        new(RowMemory.PageWordsFor(RowBuckets.DenseRecordWords(featureCount)), limit, openFile);

    public static (float[] Features, float Label, float Weight) Row(PackedRows store, long position)
    {
        RowLayout layout = store.Layout;
        ReadOnlySpan<float> dense = store.DenseRows(position, 1);
        Assert.Equal(1, dense[layout.BiasLane]);
        var parameters = new float[layout.DenseLength + layout.SparseCount];
        dense[..layout.DenseCount].CopyTo(parameters);
        if (layout.SparseCount > 0)
        {
            store.SparseRow(position, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            for (int k = 0; k < places.Length; k++)
                parameters[layout.DenseLength + places[k]] = values[k];
        }
        float[] features = [.. Enumerable.Range(0, layout.ColumnCount).Select(column => parameters[layout.Position(column)])];
        return (features, store.Label(dense), store.Weight(dense));
    }
}
