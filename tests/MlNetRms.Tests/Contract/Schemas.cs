using Microsoft.ML.Data;

namespace MlNetRms.Tests.Contract;

/// <summary>Compares schemas, including the values of annotations.</summary>
internal static class Schemas
{
    public static void AssertSame(DataViewSchema expected, DataViewSchema actual)
    {
        Assert.Equal(expected.Select(Text), actual.Select(Text));
        Assert.All(expected, column => Assert.Equal(expected[column.Name].Index, actual[column.Name].Index));
    }

    /// <summary>The value of an annotation as text.</summary>
    public static string Value(DataViewSchema.Column column, DataViewSchema.Column annotation)
    {
        object?[] arguments = [annotation.Name, null];
        typeof(DataViewSchema.Annotations).GetMethod(nameof(DataViewSchema.Annotations.GetValue))!.MakeGenericMethod(annotation.Type.RawType)
            .Invoke(column.Annotations, arguments);
        return arguments[1] is VBuffer<ReadOnlyMemory<char>> names ? string.Join(", ", names.DenseValues()) : $"{arguments[1]}";
    }

    public static IEnumerable<string> SlotNames(DataViewSchema.Column column)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);
        return names.DenseValues().Select(name => name.ToString());
    }

    private static string Text(DataViewSchema.Column column)
    {
        IEnumerable<string> annotations =
            column.Annotations.Schema.Select(annotation => $"{annotation.Name} {annotation.Type} = {Value(column, annotation)}");
        return $"{column.Name}: {column.Type}{(column.IsHidden ? " hidden" : "")} {string.Join("; ", annotations.Order())}";
    }
}
