using MlNetRms.Saving;

namespace MlNetRms.Rows;

/// <summary>
/// The features that are trained: all of them, or those that are not 0 in every row. Each is a column; columns are numbered in the order of the
/// features, and arrays "by column" are in that order. The other features have the weight 0 and take no memory.
/// </summary>
internal sealed class ActiveFeatures
{
    private readonly int[]? _features;

    private ActiveFeatures(int featureCount, int[]? features)
    {
        FeatureCount = featureCount;
        _features = features;
    }

    /// <summary>Length of a feature vector.</summary>
    public int FeatureCount { get; }

    /// <summary>Number of columns.</summary>
    public int Count => _features?.Length ?? FeatureCount;

    /// <summary>Whether every feature is active.</summary>
    public bool AreAll => _features is null;

    /// <summary>The feature of a column.</summary>
    public int this[int column] => _features is null ? column : _features[column];

    public static ActiveFeatures All(int featureCount) => new(featureCount, features: null);

    /// <param name="featureCount">Length of a feature vector.</param>
    /// <param name="features">The active features, ascending.</param>
    public static ActiveFeatures From(int featureCount, int[] features) => new(featureCount, features.Length == featureCount ? null : features);

    /// <summary>Reads or writes the columns.</summary>
    /// <exception cref="FormatException">The features are not ascending, or not below the length.</exception>
    public static ActiveFeatures Exchange(Archive file, ActiveFeatures? written)
    {
        int featureCount = file.Value(written?.FeatureCount);
        int[]? features = file.Optional(written?._features, (archive, indices) => archive.Array(indices));
        int last = -1;
        foreach (int feature in features ?? [])
        {
            if (feature <= last)
                throw new FormatException();
            last = feature;
        }
        return last < featureCount && features?.Length != featureCount ? new(featureCount, features) : throw new FormatException();
    }

    /// <summary>The features that are active here or in <paramref name="others"/>.</summary>
    public ActiveFeatures With(ActiveFeatures others)
    {
        if (AreAll || others.AreAll)
            return All(FeatureCount);
        int[] union = [.. _features!.Union(others._features!)];
        Array.Sort(union);
        return From(FeatureCount, union);
    }

    /// <summary>The column of a feature; less than 0 if it is not active.</summary>
    public int ColumnOf(int feature) => _features is null ? feature : Array.BinarySearch(_features, feature);

    /// <summary>From one value per column to one per feature, with 0 for features that are not active.</summary>
    public T[] ToFeatures<T>(T[] byColumn)
    {
        if (_features is null)
            return byColumn;
        var byFeature = new T[FeatureCount];
        for (int column = 0; column < _features.Length; column++)
            byFeature[_features[column]] = byColumn[column];
        return byFeature;
    }

    /// <summary>
    /// From the order of other columns, which must all be columns here too, to this order. What follows the columns (the bias) still follows them.
    /// </summary>
    public T[] Rearrange<T>(T[] byOther, ActiveFeatures other)
    {
        if (other.Count == Count || byOther.Length == 0)
            return byOther;
        var byColumn = new T[byOther.Length + Count - other.Count];
        for (int column = 0; column < other.Count; column++)
            byColumn[ColumnOf(other[column])] = byOther[column];
        byOther.AsSpan(other.Count).CopyTo(byColumn.AsSpan(Count));
        return byColumn;
    }
}
