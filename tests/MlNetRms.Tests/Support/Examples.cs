using Microsoft.ML.Data;

namespace MlNetRms.Tests.Support;

/// <summary>One row as ML.NET reads it; the features may be dense or sparse.</summary>
internal sealed class Example
{
    public VBuffer<float> Features { get; set; }

    public float Label { get; set; }

    public float Weight { get; set; } = 1;
}

/// <summary>Features, labels and weights of rows, and views of them for ML.NET.</summary>
internal sealed class Examples(float[][] features, float[] labels, float[]? weights = null)
{
    public float[][] Features { get; } = features;

    public float[] Labels { get; } = labels;

    public float[]? Weights { get; } = weights;

    public int Count => Labels.Length;

    public int Width => Features[0].Length;

    /// <summary>Columns that are not 0 in every row.</summary>
    public int OccurringColumns => Enumerable.Range(0, Width).Count(column => Features.Any(row => row[column] != 0));

    public float Weight(int row) => Weights?[row] ?? 1;

    public Examples Take(IEnumerable<int> rows)
    {
        int[] chosen = rows.ToArray();
        return new(chosen.Select(row => Features[row]).ToArray(), chosen.Select(row => Labels[row]).ToArray(),
            Weights is null ? null : chosen.Select(row => Weights[row]).ToArray());
    }

    /// <summary>A view of dense rows.</summary>
    public IDataView View(MLContext ml, string[]? slotNames = null) => View(ml, _ => false, slotNames);

    /// <summary>A view in which the given rows are sparse.</summary>
    public IDataView View(MLContext ml, Func<int, bool> isSparse, string[]? slotNames = null) =>
        View(ml, Enumerable.Range(0, Count).Select(row => new Example
        {
            Features = isSparse(row) ? Sparse(Features[row]) : new VBuffer<float>(Width, Features[row]),
            Label = Labels[row],
            Weight = Weight(row),
        }), Width, slotNames);

    public static IDataView View(MLContext ml, IEnumerable<Example> rows, int width, string[]? slotNames = null)
    {
        var schema = SchemaDefinition.Create(typeof(Example));
        schema[nameof(Example.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, width);
        if (slotNames is not null)
        {
            var names = new VBuffer<ReadOnlyMemory<char>>(width, slotNames.Select(name => name.AsMemory()).ToArray());
            schema[nameof(Example.Features)].AddAnnotation("SlotNames", names, new VectorDataViewType(TextDataViewType.Instance, width));
        }
        return ml.Data.LoadFromEnumerable(rows, schema);
    }

    public static VBuffer<float> Sparse(float[] values)
    {
        int[] indices = Enumerable.Range(0, values.Length).Where(i => values[i] != 0).ToArray();
        return new VBuffer<float>(values.Length, indices.Length, indices.Select(i => values[i]).ToArray(), indices);
    }
}
