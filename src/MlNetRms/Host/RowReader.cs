using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms.Kernels;
using MlNetRms.Rows;

namespace MlNetRms.Host;

/// <summary>
/// Reads rows in one pass with one cursor over only the needed columns. It skips and counts rows with an unusable label or weight. Features
/// are checked by <see cref="CheckFinite"/> or, many rows at a time, by the code that stores them.
/// </summary>
internal sealed class RowReader : IRowSource, IDisposable
{
    private readonly InputColumns _columns;
    private readonly CancellationToken _cancellation;
    private readonly Action<long>? _read;
    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<VBuffer<float>> _getFeatures;
    private readonly ValueGetter<float> _getLabel;
    private readonly ValueGetter<float>? _getWeight;
    private VBuffer<float> _features;
    private RowCounts _counts;

    /// <param name="data">The rows.</param>
    /// <param name="columns">Their columns.</param>
    /// <param name="cancellation">Cancels between two rows.</param>
    /// <param name="read">Called after each block with the number of rows read for it, including skipped ones.</param>
    public RowReader(IDataView data, InputColumns columns, CancellationToken cancellation, Action<long>? read = null)
    {
        _read = read;
        _columns = columns;
        FeatureCount = columns.FeatureCount;
        _cancellation = cancellation;
        (DataViewSchema.Column features, DataViewSchema.Column label, DataViewSchema.Column? weight) = columns;
#pragma warning disable RS0030 // The one cursor over a training's rows.
        _cursor = data.GetRowCursor(weight is { } needed ? [features, label, needed] : [features, label]);
#pragma warning restore RS0030
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

    public int FeatureCount { get; }

    public bool HasWeights => _getWeight is not null;

    public RowCounts Counts => _counts;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Fill(RowBlock block)
    {
        block.Clear();
        long before = _counts.Read;
        // Locals, because the getters store array references in the buffer, and each store into a heap object costs a write barrier.
        VBuffer<float> features = _features;
        float label = 0;
        float weight = 1;
        bool more = true;
        while (!block.IsFull)
        {
            more = _cursor.MoveNext();
            if (!more)
                break;
            _cancellation.ThrowIfCancellationRequested();
            _counts.Read++;
            _getLabel(ref label);
            if (!float.IsFinite(label))
            {
                _counts.BadLabel++;
                continue;
            }
            _getWeight?.Invoke(ref weight);
            if (!(weight > 0 && float.IsFinite(weight)))
            {
                _counts.BadWeight++;
                continue;
            }
            _getFeatures(ref features);
            ReadOnlySpan<int> indices = features.GetIndices();
            CheckLength(features.Length, indices);
            block.Add(new Row(indices, features.GetValues(), label, weight));
        }
        _features = features;
        _read?.Invoke(_counts.Read - before);
        return more;
    }

    public bool CheckFinite(in Row row)
    {
        bool finite = MomentKernels.AllFinite(row.Values);
        if (!finite)
            _counts.BadFeatures++;
        return finite;
    }

    public InvalidOperationException NoUsableRow(string role, RowCounts counts)
    {
        if (counts.Read == 0)
            return new InvalidOperationException($"The {role} data has no rows.");
        string weightReason = _columns.Weight is { } weight
            ? $", {counts.BadWeight} for a weight in column '{weight.Name}' that is not a finite number above 0"
            : "";
        return new InvalidOperationException(
            $"None of the {counts.Read} {role} rows can be used: {counts.BadLabel} were skipped for a missing or infinite label in column " +
            $"'{_columns.Label.Name}'{weightReason}, {counts.BadFeatures} for a missing or infinite feature in column '{_columns.Features.Name}'. " +
            "Replace missing values (mlContext.Transforms.ReplaceMissingValues) or check how the columns are loaded.");
    }

    public void Dispose() => _cursor.Dispose();

    /// <summary>A vector's length can differ from the schema's, for example in arrays loaded by <c>LoadFromEnumerable</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CheckLength(int length, ReadOnlySpan<int> indices)
    {
        if (length != FeatureCount)
            throw new InvalidOperationException(
                $"Row {_counts.Read - 1} (counted from 0) has {length} values in feature column '{_columns.Features.Name}', " +
                $"but the column's type says {FeatureCount}. Every row must have the same number of features.");
        int previous = -1;
        foreach (int index in indices)
        {
            if (index <= previous || index >= length)
                throw new InvalidOperationException(
                    $"Row {_counts.Read - 1} (counted from 0) has the index {index} where it is not allowed " +
                    $"in feature column '{_columns.Features.Name}'. The indices of a sparse row must be ascending and less than {length}.");
            previous = index;
        }
    }
}

/// <summary>The views of this process's shards and their columns.</summary>
internal sealed class ShardViews
{
    private readonly IReadOnlyList<IDataView> _views;
    private readonly InputColumns[] _columns;

    /// <param name="views">The views; at least one.</param>
    /// <param name="columns">Finds the columns of a view.</param>
    public ShardViews(IReadOnlyList<IDataView> views, Func<DataViewSchema, InputColumns> columns)
    {
        _views = views;
        _columns = [.. views.Select(view => columns(view.Schema))];
    }

    /// <summary>The columns of the first view.</summary>
    public InputColumns Columns => _columns[0];

    public int Count => _views.Count;

    /// <summary>Total number of rows; null if one of the views does not know its number.</summary>
    public long? RowCount() => _views.Aggregate((long?)0, (count, view) => count + view.GetRowCount());

    /// <summary>Reads the views one after the other, because a cursor may hold a file and threads.</summary>
    /// <param name="read">Called after each block with the number of rows read for it.</param>
    /// <param name="cancellation">Cancels between two rows.</param>
    public IEnumerable<RowReader> Open(Action<long> read, CancellationToken cancellation)
    {
        for (int shard = 0; shard < _views.Count; shard++)
        {
            using var reader = new RowReader(_views[shard], _columns[shard], cancellation, read);
            yield return reader;
        }
    }
}
