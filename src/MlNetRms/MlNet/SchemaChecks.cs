using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms.Settings;
using static Microsoft.ML.SchemaShape.Column;

namespace MlNetRms.MlNet;

/// <summary>
/// What the columns must be. Missing and mistyped columns are reported in ML.NET's words and by its exception type, with
/// the transform that would fix it.
/// </summary>
internal static class SchemaChecks
{
    private const string ScoreColumnName = "Score";

    /// <summary>Finds the columns, or says what is wrong with them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public static TrainingColumns Find(DataViewSchema schema, ColumnSettings names)
    {
        Check(MlNetInternals.ShapeOf(schema), names);
        return new TrainingColumns(schema[names.Features], schema[names.Label],
            names.Weight is { } weight ? schema[weight] : null);
    }

    /// <summary>Finds the columns of the validation rows, which must be like those of the training rows.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public static TrainingColumns FindValidation(DataViewSchema schema, TrainingColumns training, ColumnSettings names)
    {
        TrainingColumns columns = Find(schema, names);
        if (columns.FeatureCount != training.FeatureCount)
            throw new ArgumentOutOfRangeException(nameof(schema),
                $"Schema mismatch for feature column '{names.Features}': expected Vector<Single, {training.FeatureCount}>, " +
                $"got Vector<Single, {columns.FeatureCount}> in the validation data.");
        return columns;
    }

    /// <inheritdoc cref="Find"/>
    public static void Check(SchemaShape schema, ColumnSettings names)
    {
        Check(schema, "feature", names.Features, VectorKind.Vector);
        if (names.Weight is { } weight)
            Check(schema, "weight", weight, VectorKind.Scalar);
        Check(schema, "label", names.Label, VectorKind.Scalar);
    }

    /// <summary>The input's columns and the score column, annotated as ML.NET's own regression trainers annotate it.</summary>
    public static SchemaShape WithScoreColumn(SchemaShape input)
    {
        var annotations = new SchemaShape(
        [
            MlNetInternals.NewColumn("ScoreColumnSetId", VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true),
            MlNetInternals.NewColumn("ScoreColumnKind", VectorKind.Scalar, TextDataViewType.Instance, isKey: false),
            MlNetInternals.NewColumn("ScoreValueKind", VectorKind.Scalar, TextDataViewType.Instance, isKey: false),
        ]);
        SchemaShape.Column score = MlNetInternals.NewColumn(ScoreColumnName, VectorKind.Scalar, NumberDataViewType.Single, isKey: false, annotations);
        return new SchemaShape(input.Where(column => column.Name != ScoreColumnName).Append(score));
    }

    private static void Check(SchemaShape schema, string role, string name, VectorKind kind)
    {
        SchemaShape.Column column = schema.FirstOrDefault(column => column.Name == name);
        if (column.Name is null)
        {
            string columns = string.Join(", ", schema.Select(column => $"'{column.Name}'"));
            string hint = role == "feature" ? "; mlContext.Transforms.Concatenate makes a feature column of single columns" : "";
            throw new ArgumentOutOfRangeException(nameof(schema),
                $"Could not find {role} column '{name}'. The columns are {columns}{hint}.");
        }
        if (column.Kind != kind || column.ItemType != NumberDataViewType.Single || column.IsKey)
        {
            throw new ArgumentOutOfRangeException(nameof(schema),
                $"Schema mismatch for {role} column '{name}': expected {Describe(kind, NumberDataViewType.Single, isKey: false)}, " +
                $"got {Describe(column.Kind, column.ItemType, column.IsKey)}. {Remedy(column, kind)}");
        }
    }

    private static string Describe(VectorKind kind, DataViewType itemType, bool isKey)
    {
        string item = isKey ? $"Key<{itemType}>" : $"{itemType}";
        return kind switch
        {
            VectorKind.Vector => $"Vector<{item}>",
            VectorKind.VariableVector => $"VarVector<{item}>",
            _ => item,
        };
    }

    private static string Remedy(SchemaShape.Column column, VectorKind expected)
    {
        string convert = $"mlContext.Transforms.Conversion.ConvertType(\"{column.Name}\", outputKind: DataKind.Single) converts it.";
        if (column.IsKey)
            return $"mlContext.Transforms.Conversion.MapKeyToValue(\"{column.Name}\") gives the values back; MapKeyToVector makes features of a category.";
        if (column.Kind == VectorKind.VariableVector)
            return "A vector of known size is needed: load the column with a size (LoadColumn(first, last) or [VectorType(size)]).";
        if (column.Kind == expected)
            return convert;
        return expected == VectorKind.Vector
            ? $"mlContext.Transforms.Concatenate(\"{column.Name}\", ...) makes a vector of single columns."
            : "A single value a row is needed, not a vector.";
    }
}
