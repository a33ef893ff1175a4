using Microsoft.ML.Data;

namespace MlNetRms.Tests.Support;

/// <summary>Columns of any type, and schemas as text.</summary>
internal static class Shapes
{
    /// <summary>A row with columns of any type.</summary>
    public sealed class Typed<TFeatures, TLabel, TWeight>
    {
        public required TFeatures Features { get; set; }

        public required TLabel Label { get; set; }

        public required TWeight Weight { get; set; }
    }

    /// <summary>A view of one row. Column types can be overridden; otherwise a vector of features has variable size.</summary>
    public static IDataView View<TFeatures, TLabel, TWeight>(MLContext ml, TFeatures features, TLabel label, TWeight weight,
        params (string Column, DataViewType Type)[] types)
    {
        var schema = SchemaDefinition.Create(typeof(Typed<TFeatures, TLabel, TWeight>));
        foreach ((string column, DataViewType type) in types)
            schema[column].ColumnType = type;
        return ml.Data.LoadFromEnumerable([new Typed<TFeatures, TLabel, TWeight> { Features = features, Label = label, Weight = weight }], schema);
    }

    /// <summary>One line per column, with its annotations, in the order of the names.</summary>
    public static string[] Describe(SchemaShape shape) => shape.Select(Describe).Order(StringComparer.Ordinal).ToArray();

    public static string Describe(SchemaShape.Column column) =>
        $"{column.Name}: {column.Kind} of {column.ItemType}{(column.IsKey ? " key" : "")} [{string.Join("; ", Describe(column.Annotations))}]";
}
