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

    /// <summary>Behind the name of a column of validation rows.</summary>
    public const string InValidation = " of the validation data";

    /// <summary>Behind the name of a column of rows that are not the first part.</summary>
    public const string InAnotherPart = " of another part";

    /// <summary>Finds the columns, or says what is wrong with them.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="names">The columns that are needed.</param>
    /// <param name="parameter">What the caller's parameter with that schema is called.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public static TrainingColumns Find(DataViewSchema schema, ColumnSettings names, string parameter = "input") =>
        Find(schema, names, parameter, where: "");

    /// <summary>Finds the columns of other rows, which must be like those of the first.</summary>
    /// <param name="schema">The schema of the other rows.</param>
    /// <param name="first">The columns of the first rows.</param>
    /// <param name="names">The columns that are needed.</param>
    /// <param name="parameter">What the caller's parameter, or option, with that schema is called.</param>
    /// <param name="where">Where the other rows are, for the message; with a space before it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public static TrainingColumns FindAlike(DataViewSchema schema, TrainingColumns first, ColumnSettings names, string parameter, string where)
    {
        TrainingColumns columns = Find(schema, names, parameter, where);
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

    private static TrainingColumns Find(DataViewSchema schema, ColumnSettings names, string parameter, string where)
    {
        Check(MlNetInternals.ShapeOf(schema), names, parameter, where);
        return new TrainingColumns(schema[names.Features], schema[names.Label],
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
                throw new ArgumentOutOfRangeException(parameter, $"Could not find {role} column '{name}'{where}. {ColumnRemedies.ForMissing(schema, role, where.Length > 0)}");
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
