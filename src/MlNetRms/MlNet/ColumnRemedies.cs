using Microsoft.ML;
using Microsoft.ML.Data;
using static Microsoft.ML.SchemaShape.Column;

namespace MlNetRms.MlNet;

/// <summary>What a user can do about a column that is missing or has the wrong type.</summary>
internal static class ColumnRemedies
{
    private const string CategoryLabel = " For a label that is a category use the trainers of mlContext.BinaryClassification or mlContext.MulticlassClassification.";

    public static string ForMissing(SchemaShape schema, string role, bool isValidation)
    {
        string columns = $"The columns are {string.Join(", ", schema.Select(column => $"'{column.Name}'"))}";
        if (isValidation)
            return $"{columns}; the validation rows must have been through the same transforms as the training rows.";
        return role == "feature" ? $"{columns}; mlContext.Transforms.Concatenate makes a feature column of single columns." : $"{columns}.";
    }

    public static string ForType(SchemaShape.Column column, string role) => role == "feature" ? ForFeatures(column) : ForNumber(column, role);

    private static string ForFeatures(SchemaShape.Column column)
    {
        if (column.IsKey)
            return $"mlContext.Transforms.Conversion.MapKeyToVector(\"{column.Name}\") makes features of a category.";
        if (column.ItemType is TextDataViewType)
            return $"mlContext.Transforms.Categorical.OneHotEncoding(\"{column.Name}\") makes features of a category, " +
                $"mlContext.Transforms.Text.FeaturizeText(\"{column.Name}\") of free text. Numbers that are text should be loaded as numbers.";
        if (column.Kind == VectorKind.VariableVector)
            return "A vector of known size is needed: load the column with a size (LoadColumn(first, last) or [VectorType(size)]).";
        if (column.Kind == VectorKind.Vector)
            return $"{Convert(column.Name)}.";
        string convert = column.ItemType == NumberDataViewType.Single ? "" : $"{Convert(column.Name)}; then ";
        string vector = column.Name == "Features" ? "FeatureVector" : "Features";
        return $"{convert}mlContext.Transforms.Concatenate(\"{vector}\", \"{column.Name}\") makes a vector of it, and of more columns if there are: " +
            $"name \"{vector}\" as the feature column.";
    }

    private static string ForNumber(SchemaShape.Column column, string role)
    {
        if (column.Kind != VectorKind.Scalar)
            return "A single value a row is needed, not a vector.";
        string category = role == "label" ? CategoryLabel : "";
        if (column.IsKey)
            return $"mlContext.Transforms.Conversion.MapKeyToValue(\"{column.Name}\") gives the values back.{category}";
        if (column.ItemType is TextDataViewType)
            return $"If the text holds numbers, load the column as such: a property of type float, or DataKind.Single.{category}";
        return $"{Convert(column.Name)}.";
    }

    private static string Convert(string name) => $"mlContext.Transforms.Conversion.ConvertType(\"{name}\", outputKind: DataKind.Single) converts it";
}
