using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms.Settings;
using static Microsoft.ML.SchemaShape.Column;

namespace MlNetRms.Host;

/// <summary>The columns a training reads.</summary>
internal readonly record struct InputColumns(DataViewSchema.Column Features, DataViewSchema.Column Label, DataViewSchema.Column? Weight)
{
    /// <summary>Length of the feature vector.</summary>
    public int FeatureCount => ((VectorDataViewType)Features.Type).Size;

    /// <summary>A feature in words: its slot name, if it has one, and its number.</summary>
    public string NameOf(int slot)
    {
        string slotOfColumn = $"slot {slot} of column '{Features.Name}'";
        string name = SlotNames(Features).GetItemOrDefault(slot).ToString();
        return name.Length == 0 ? slotOfColumn : $"feature '{name}' ({slotOfColumn})";
    }

    /// <summary>Names of all features: slot names, or "Slot 3" if a slot has no name.</summary>
    public static string[] FeatureNames(DataViewSchema.Column features)
    {
        VBuffer<ReadOnlyMemory<char>> names = SlotNames(features);
        return [.. names.DenseValues().Select((name, slot) => name.IsEmpty ? $"Slot {slot}" : name.ToString())];
    }

    private static VBuffer<ReadOnlyMemory<char>> SlotNames(DataViewSchema.Column features)
    {
        int length = ((VectorDataViewType)features.Type).Size;
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (features.HasSlotNames())
            features.GetSlotNames(ref names);
        return names.Length == length ? names : new VBuffer<ReadOnlyMemory<char>>(length, 0, [], []);
    }
}

/// <summary>
/// Checks the columns. A missing column or one of the wrong type is reported with ML.NET's wording and exception type, plus
/// the transform that would fix it.
/// </summary>
internal static class SchemaChecks
{
    private const string ScoreColumnName = "Score";

    /// <summary>Follows the name of a column of the validation rows.</summary>
    public const string InValidation = " of the validation data";

    /// <summary>Follows the name of a column of a part other than the first.</summary>
    public const string InAnotherPart = " of another part";

    /// <summary>Finds the columns and checks them.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="names">The columns that are needed.</param>
    /// <param name="parameter">Name of the caller's parameter with that schema.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public static InputColumns Find(DataViewSchema schema, ColumnSettings names, string parameter = "input") =>
        Find(schema, names, parameter, where: "");

    /// <summary>Finds the columns of other rows, which must have the types of the first rows' columns.</summary>
    /// <param name="schema">The schema of the other rows.</param>
    /// <param name="first">The columns of the first rows.</param>
    /// <param name="names">The columns that are needed.</param>
    /// <param name="parameter">Name of the caller's parameter or option with that schema.</param>
    /// <param name="where">Says in the message where the other rows are; begins with a space.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public static InputColumns FindAlike(DataViewSchema schema, InputColumns first, ColumnSettings names, string parameter, string where)
    {
        InputColumns columns = Find(schema, names, parameter, where);
        if (columns.FeatureCount != first.FeatureCount)
            throw new ArgumentOutOfRangeException(parameter,
                $"Schema mismatch for feature column '{names.Features}'{where}: expected Vector<Single, {first.FeatureCount}>, " +
                $"got Vector<Single, {columns.FeatureCount}>.");
        return columns;
    }

    /// <inheritdoc cref="Find(DataViewSchema, ColumnSettings, string)"/>
    public static void Check(SchemaShape schema, ColumnSettings names, string parameter) => Check(schema, names, parameter, where: "");

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

    private static InputColumns Find(DataViewSchema schema, ColumnSettings names, string parameter, string where)
    {
        Check(MlNetInternals.ShapeOf(schema), names, parameter, where);
        return new InputColumns(schema[names.Features], schema[names.Label],
            names.Weight is { } weight ? schema[weight] : null);
    }

    private static void Check(SchemaShape schema, ColumnSettings names, string parameter, string where)
    {
        Check("feature", names.Features, VectorKind.Vector);
        if (names.Weight is { } weight)
            Check("weight", weight, VectorKind.Scalar);
        Check("label", names.Label, VectorKind.Scalar);

        void Check(string role, string name, VectorKind kind)
        {
            SchemaShape.Column column = schema.FirstOrDefault(column => column.Name == name);
            if (column.Name is null)
            {
                string remedy = ColumnRemedies.ForMissing(schema, role, where.Length > 0);
                throw new ArgumentOutOfRangeException(parameter, $"Could not find {role} column '{name}'{where}. {remedy}");
            }
            if (column.Kind != kind || column.ItemType != NumberDataViewType.Single || column.IsKey)
                throw new ArgumentOutOfRangeException(parameter,
                    $"Schema mismatch for {role} column '{name}'{where}: expected {Describe(kind, NumberDataViewType.Single, isKey: false)}, " +
                    $"got {Describe(column.Kind, column.ItemType, column.IsKey)}. {ColumnRemedies.ForType(column, role)}");
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
}

/// <summary>What a user can do about a column that is missing or has the wrong type.</summary>
internal static class ColumnRemedies
{
    private const string CategoryLabel =
        " For a label that is a category, use the trainers of mlContext.BinaryClassification or mlContext.MulticlassClassification.";

    /// <summary>A date near those of most data.</summary>
    private static readonly DateTime _origin = new(2024, 1, 1);

    public static string ForMissing(SchemaShape schema, string role, bool isValidation)
    {
        string columns = $"The columns are {string.Join(", ", schema.Select(column => $"'{column.Name}'"))}";
        if (isValidation)
            return $"{columns}; the validation rows must have been through the same transforms as the training rows.";
        return role == "feature" ? $"{columns}; mlContext.Transforms.Concatenate combines columns into a feature column." : $"{columns}.";
    }

    public static string ForType(SchemaShape.Column column, string role) => role == "feature" ? ForFeatures(column) : ForNumber(column, role);

    private static string ForFeatures(SchemaShape.Column column)
    {
        if (column.IsKey)
            return $"mlContext.Transforms.Conversion.MapKeyToVector(\"{column.Name}\") turns a category into features.";
        if (column.ItemType is TextDataViewType)
            return $"mlContext.Transforms.Categorical.OneHotEncoding(\"{column.Name}\") turns a category into features, " +
                $"mlContext.Transforms.Text.FeaturizeText(\"{column.Name}\") free text. Load numbers as numbers, not as text.";
        if (column.Kind == VectorKind.VariableVector)
            return "A vector of known size is needed: load the column with a size (LoadColumn(first, last) or [VectorType(size)]).";
        if (column.Kind == VectorKind.Vector)
            return $"{Convert(column)}.";
        string convert = column.ItemType == NumberDataViewType.Single ? "" : $"{Convert(column)}; then ";
        string vector = column.Name == "Features" ? "FeatureVector" : "Features";
        return $"{convert}mlContext.Transforms.Concatenate(\"{vector}\", \"{column.Name}\") turns it into a vector (other columns can be added): " +
            $"use \"{vector}\" as the feature column.";
    }

    private static string ForNumber(SchemaShape.Column column, string role)
    {
        if (column.Kind != VectorKind.Scalar)
            return "A single value per row is needed, not a vector.";
        string category = role == "label" ? CategoryLabel : "";
        if (column.IsKey)
            return $"mlContext.Transforms.Conversion.MapKeyToValue(\"{column.Name}\") restores the values.{category}";
        if (column.ItemType is TextDataViewType)
            return $"If the text holds numbers, load the column as such: a property of type float, or DataKind.Single.{category}";
        return $"{Convert(column)}.";
    }

    private static string Convert(SchemaShape.Column column)
    {
        string convert = $"mlContext.Transforms.Conversion.ConvertType(\"{column.Name}\", outputKind: DataKind.";
        if (column.ItemType is not (DateTimeDataViewType or DateTimeOffsetDataViewType))
            return $"{convert}Single) converts it";
        // As float, dates of the same two hours are equal.
        return $"{convert}Double), then mlContext.Transforms.Expression(\"{column.Name}\", " +
            $"\"t => single((t - {_origin.Ticks}.0) / {TimeSpan.TicksPerDay}.0)\", \"{column.Name}\") turn it into days since " +
            FormattableString.Invariant($"{_origin:yyyy-MM-dd}, of which float holds more digits than of ticks");
    }
}
