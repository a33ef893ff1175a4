using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;


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

    public static TrainingRows Read(IDataView view, RmsPropRegressionTrainer.Options options, ISlabAllocator? allocator = null,
        Func<ISpillFile>? openFile = null)
    {
        TrainingSettings settings = options.ToSettings();
        using var reader = new RowReader(view, SchemaChecks.Find(view.Schema, settings.Columns), options.CancellationToken);
        return TrainingRows.Read([reader], Shards.One, reader.FeatureCount, settings.Reading, previous: null,
            allocator ?? NativeSlabAllocator.Instance, options.CancellationToken, openFile);
    }

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
