using Microsoft.ML.Data;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Contract;

/// <summary>The views that <see cref="HostContract"/> passes to a trainer.</summary>
internal sealed class HostViews(MLContext ml)
{
    /// <summary>A row with columns that a pipeline usually carries along with the features.</summary>
    private sealed class Example
    {
        public string Name { get; set; } = "";

        public VBuffer<float> Features { get; set; }

        public float Label { get; set; }
    }

    public static string[] SlotNames { get; } = ["First", "Second", "Third"];

    private static readonly Examples _rows = Some.Linear(1, 60, SlotNames.Length);
    private static readonly VectorDataViewType _vector = new(NumberDataViewType.Single, SlotNames.Length);

    public static int RowCount => _rows.Count;

    /// <summary>Columns Name, Features and Label.</summary>
    public IDataView Usual => View(SomeRows());

    /// <summary>The same rows as a list, a stream that cannot be shuffled, cached, and sparse.</summary>
    public IEnumerable<IDataView> Alike => [Usual, View(Stream(SomeRows())), ml.Data.Cache(View(Stream(SomeRows()))), View(SomeRows(sparse: true))];

    /// <summary>The same rows without the label.</summary>
    public IDataView FeaturesOnly => Only("Features", "Name");

    public IDataView TextLabel => Shapes.View(ml, new float[SlotNames.Length], "text", 1f, ("Features", _vector));

    /// <summary>Views in which the features are missing or have the wrong type.</summary>
    public IEnumerable<IDataView> WithoutFeatures =>
    [
        Only("Label", "Name"),
        Shapes.View(ml, 1f, 1f, 1f),
        Shapes.View(ml, new double[SlotNames.Length], 1f, 1f, ("Features", new VectorDataViewType(NumberDataViewType.Double, SlotNames.Length))),
    ];

    private static List<Example> SomeRows(bool sparse = false) => [.. Enumerable.Range(0, _rows.Count).Select(row => new Example
    {
        Name = $"row {row:d3}",
        Features = sparse ? Examples.Sparse(_rows.Features[row]) : new VBuffer<float>(_rows.Width, _rows.Features[row]),
        Label = _rows.Labels[row],
    })];

    private static IEnumerable<Example> Stream(IEnumerable<Example> examples)
    {
        foreach (Example example in examples)
            yield return example;
    }

    private IDataView View(IEnumerable<Example> examples)
    {
        var schema = SchemaDefinition.Create(typeof(Example));
        schema[nameof(Example.Features)].ColumnType = _vector;
        schema[nameof(Example.Features)].AddAnnotation("SlotNames",
            new VBuffer<ReadOnlyMemory<char>>(SlotNames.Length, [.. SlotNames.Select(name => name.AsMemory())]),
            new VectorDataViewType(TextDataViewType.Instance, SlotNames.Length));
        return ml.Data.LoadFromEnumerable(examples, schema);
    }

    private IDataView Only(params string[] columns) => ml.Transforms.SelectColumns(columns).Fit(Usual).Transform(Usual);
}
