using MlNetRms.Examples;
using MlNetRms.MlNet;

namespace MlNetRms.Tests.Support;

/// <summary>Reads rows into a store as training does, and single rows out of it.</summary>
internal static class Stored
{
    public static ExampleStore Read(Rows rows, RmsPropRegressionTrainer.Options options) => Read(rows, options, out _, _ => false);

    public static ExampleStore Read(Rows rows, RmsPropRegressionTrainer.Options options, out Standardizer standardizer, Func<int, bool> isSparse)
    {
        if (rows.Weights is not null)
            options.ExampleWeightColumnName = nameof(Support.Row.Weight);
        IDataView view = rows.View(new MLContext(1), isSparse);
        ReadRows read = ExampleReader.ReadTraining(view, SchemaChecks.Find(view.Schema, options), options, previous: null);
        standardizer = read.Standardizer;
        return read.Training;
    }

    public static (float[] Features, float Label, float Weight) Row(ExampleStore store, long position)
    {
        ReadOnlySpan<float> dense = store.DenseRows(position, 1);
        Assert.Equal(1, dense[store.BiasLane]);
        var features = new float[store.Slots.Length];
        for (int column = 0; column < features.Length; column++)
            features[column] = store.Slots[column] >= 0 ? dense[store.Slots[column]] : 0;
        if (store.SparseCount > 0)
        {
            store.SparseRow(position, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            for (int k = 0; k < places.Length; k++)
                features[store.Slots.IndexOf(~places[k])] = values[k];
        }
        return (features, dense[store.LabelLane], store.WeightLane is { } lane ? dense[lane] : 1);
    }
}
