using Microsoft.ML;
using MlNetRms.Data;

namespace MlNetRms.MlNet;

/// <summary>This process's parts of the rows, as they are given, and their columns.</summary>
internal sealed class PartViews
{
    private readonly IReadOnlyList<IDataView> _views;
    private readonly TrainingColumns[] _columns;

    /// <param name="views">The parts; at least one.</param>
    /// <param name="columns">The columns of each.</param>
    public PartViews(IReadOnlyList<IDataView> views, Func<DataViewSchema, TrainingColumns> columns)
    {
        _views = views;
        _columns = [.. views.Select(view => columns(view.Schema))];
    }

    /// <summary>The columns of the first part.</summary>
    public TrainingColumns Columns => _columns[0];

    public int Count => _views.Count;

    /// <summary>Rows of all parts; null where one does not know.</summary>
    public long? RowCount() => _views.Aggregate((long?)0, (count, view) => count + view.GetRowCount());

    /// <summary>Reads one part after the other: a cursor may hold a file and threads.</summary>
    /// <param name="read">Called after each block with the number of rows read for it.</param>
    /// <param name="cancellation">Ends the reading between two rows.</param>
    public IEnumerable<RowReader> Open(Action<long> read, CancellationToken cancellation)
    {
        for (int part = 0; part < _views.Count; part++)
        {
            using var reader = new RowReader(_views[part], _columns[part], cancellation, read);
            yield return reader;
        }
    }
}
