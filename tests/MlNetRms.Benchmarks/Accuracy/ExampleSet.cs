using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>Rows in memory, dense or sparse, with labels and example weights (1 if there are none).</summary>
internal sealed partial class ExampleSet(VBuffer<float>[] features, float[] labels, float[]? weights = null)
{
    public int Count => labels.Length;

    public int FeatureCount => features[0].Length;

    public bool IsWeighted => weights is not null;

    public ReadOnlySpan<float> Labels => labels;

    public double TotalWeight => Sum(row => Weight(row));

    public double MeanLabel => Sum(row => Weight(row) * labels[row]) / TotalWeight;

    /// <summary>Standard deviation of the labels: the error of the best constant predictor.</summary>
    public double LabelDeviation
    {
        get
        {
            double mean = MeanLabel;
            return Math.Sqrt(Sum(row => Weight(row) * (labels[row] - mean) * (labels[row] - mean)) / TotalWeight);
        }
    }

    public ref readonly VBuffer<float> Features(int row) => ref features[row];

    public double Weight(int row) => weights?[row] ?? 1;

    /// <summary>The sum of a function over all rows.</summary>
    public double Sum(Func<int, double> value)
    {
        double sum = 0;
        for (int row = 0; row < labels.Length; row++)
            sum += value(row);
        return sum;
    }

    /// <summary>The columns "Features" and "Label" of a view.</summary>
    public static ExampleSet Read(IDataView view)
    {
        var features = new List<VBuffer<float>>();
        var labels = new List<float>();
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Features"], view.Schema["Label"]]);
        ValueGetter<VBuffer<float>> getFeatures = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
        ValueGetter<float> getLabel = cursor.GetGetter<float>(view.Schema["Label"]);
        while (cursor.MoveNext())
        {
            // A new buffer each time, because a getter reuses the arrays of the buffer it is given.
            VBuffer<float> row = default;
            float label = 0;
            getFeatures(ref row);
            getLabel(ref label);
            features.Add(row);
            labels.Add(label);
        }
        return new ExampleSet([.. features], [.. labels]);
    }

    public static ExampleSet Dense(float[][] features, float[] labels, float[]? weights = null) =>
        new([.. features.Select(row => new VBuffer<float>(row.Length, row))], labels, weights);

    public ExampleSet Take(int first, int count) =>
        new(features[first..(first + count)], labels[first..(first + count)], weights?[first..(first + count)]);

    /// <summary>Shuffles the rows and splits them in two.</summary>
    public (ExampleSet Training, ExampleSet Test) Split(double trainingShare, int seed)
    {
        int[] order = [.. Enumerable.Range(0, Count)];
        new Random(seed).Shuffle(order);
        int cut = (int)(trainingShare * Count);
        return (Chosen(order[..cut]), Chosen(order[cut..]));

        ExampleSet Chosen(int[] rows) =>
            new([.. rows.Select(row => features[row])], [.. rows.Select(row => labels[row])],
                weights is null ? null : [.. rows.Select(row => weights[row])]);
    }

    /// <summary>A view with the columns "Features", "Label" and "Weight".</summary>
    public IDataView View(MLContext context)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema[nameof(Row.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, FeatureCount);
        return context.Data.LoadFromEnumerable(
            Enumerable.Range(0, Count).Select(row => new Row { Features = features[row], Label = labels[row], Weight = (float)Weight(row) }), schema);
    }

    private sealed class Row
    {
        public VBuffer<float> Features { get; set; }

        public float Label { get; set; }

        public float Weight { get; set; }
    }
}
