using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms.Kernels;
using MlNetRms.MlNet;

namespace MlNetRms.Data;

/// <summary>
/// Reads rows: one cursor, one pass, the needed columns only. Rows whose label or weight cannot be used are skipped and
/// counted here; features are checked by <see cref="AreFinite"/> or, many rows at once, by the code that stores them.
/// </summary>
internal sealed class RowReader : IDisposable
{
    private readonly TrainingColumns _columns;
    private readonly CancellationToken _cancellation;
    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<VBuffer<float>> _getFeatures;
    private readonly ValueGetter<float> _getLabel;
    private readonly ValueGetter<float>? _getWeight;
    private VBuffer<float> _features;
    private float _label;
    private float _weight = 1;
    private RowCounts _counts;

    /// <param name="data">The rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="cancellation">Ends the reading between two rows.</param>
    public RowReader(IDataView data, TrainingColumns columns, CancellationToken cancellation)
    {
        _columns = columns;
        _cancellation = cancellation;
        (DataViewSchema.Column features, DataViewSchema.Column label, DataViewSchema.Column? weight) = columns;
        _cursor = data.GetRowCursor(weight is { } needed ? [features, label, needed] : [features, label]);
        try
        {
            _getFeatures = _cursor.GetGetter<VBuffer<float>>(features);
            _getLabel = _cursor.GetGetter<float>(label);
            _getWeight = weight is { } column ? _cursor.GetGetter<float>(column) : null;
        }
        catch
        {
            _cursor.Dispose();
            throw;
        }
    }

    /// <summary>Length of every feature vector.</summary>
    public int FeatureCount => _columns.FeatureCount;

    /// <summary>Whether rows have example weights; without, every weight is 1.</summary>
    public bool HasWeights => _getWeight is not null;

    public RowCounts Counts => _counts;

    /// <summary>The row that <see cref="MoveNext"/> found.</summary>
    public Row Current => new(_features.GetIndices(), _features.GetValues(), _label, _weight);

    /// <summary>Goes to the next row with a finite label and a finite weight above 0.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="InvalidOperationException">A feature vector is not one of <see cref="FeatureCount"/> values.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public bool MoveNext()
    {
        while (_cursor.MoveNext())
        {
            _cancellation.ThrowIfCancellationRequested();
            _counts.Read++;
            _getLabel(ref _label);
            if (!float.IsFinite(_label))
            {
                _counts.BadLabel++;
                continue;
            }
            _getWeight?.Invoke(ref _weight);
            if (!(_weight > 0 && float.IsFinite(_weight)))
            {
                _counts.BadWeight++;
                continue;
            }
            _getFeatures(ref _features);
            CheckLength();
            return true;
        }
        return false;
    }

    /// <summary>Whether the features of the current row are finite; if not, the row is counted as skipped.</summary>
    public bool AreFinite()
    {
        bool finite = MomentKernels.AllFinite(_features.GetValues());
        if (!finite)
            SkipForFeatures();
        return finite;
    }

    /// <summary>Counts a row that was handed out but cannot be used: a feature is missing or infinite.</summary>
    public void SkipForFeatures() => _counts.BadFeatures++;

    /// <summary>The error for data of which no row is left.</summary>
    /// <param name="role">"training" or "validation".</param>
    public InvalidOperationException NoUsableRow(string role)
    {
        if (_counts.Read == 0)
            return new InvalidOperationException($"The {role} data has no rows.");
        string weightReason = _columns.Weight is { } weight
            ? $", {_counts.BadWeight} for a weight in column '{weight.Name}' that is not a finite number above 0"
            : "";
        return new InvalidOperationException(
            $"None of the {_counts.Read} {role} rows can be used: {_counts.BadLabel} were skipped for a missing or infinite label in column " +
            $"'{_columns.Label.Name}'{weightReason}, {_counts.BadFeatures} for a missing or infinite feature in column '{_columns.Features.Name}'. " +
            "Replace missing values (mlContext.Transforms.ReplaceMissingValues) or check how the columns are loaded.");
    }

    public void Dispose() => _cursor.Dispose();

    /// <summary>A view can promise one length and deliver another, as arrays of a class do that is loaded by <c>LoadFromEnumerable</c>.</summary>
    private void CheckLength()
    {
        if (_features.Length != FeatureCount)
            throw new InvalidOperationException(
                $"Row {_counts.Read - 1} (counted from 0) has {_features.Length} values in feature column '{_columns.Features.Name}', " +
                $"but the column's type says {FeatureCount}. Every row must have the same number of features.");
        ReadOnlySpan<int> indices = _features.GetIndices();
        int previous = -1;
        foreach (int index in indices)
        {
            if (index <= previous || index >= FeatureCount)
                throw new InvalidOperationException(
                    $"Row {_counts.Read - 1} (counted from 0) has the index {index} after {previous} in feature column '{_columns.Features.Name}'. " +
                    $"The indices of a sparse row must be ascending and less than {FeatureCount}.");
            previous = index;
        }
    }
}
