using Microsoft.ML.Data;

namespace MlNetRms.Tests.Support;

/// <summary>
/// A view with the columns of <see cref="Row"/> that counts its cursors and their disposals, and fails on request.
/// </summary>
internal sealed class FaultyView : IDataView
{
    private readonly Func<int, IEnumerable<Example>> _rows;
    private int _cursors;
    private int _disposals;

    /// <param name="ml">The context.</param>
    /// <param name="width">Number of features.</param>
    /// <param name="rows">The rows of each pass, given its number from 0.</param>
    public FaultyView(MLContext ml, int width, Func<int, IEnumerable<Example>> rows)
    {
        _rows = rows;
        Schema = Examples.View(ml, [], width).Schema;
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    /// <summary>Called before each action of a cursor, with its name ("cursor", "getter", "move", "read", "dispose").</summary>
    public Action<string>? Before { get; init; }

    /// <summary>The value of <see cref="GetRowCount"/>.</summary>
    public Func<long?> RowCount { get; init; } = () => null;

    public int Cursors => _cursors;

    /// <summary>Calls of Dispose, over all cursors.</summary>
    public int Disposals => _disposals;

    public long? GetRowCount() => RowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        Before?.Invoke("cursor");
        return new Cursor(this, _rows(Interlocked.Increment(ref _cursors) - 1), [.. columnsNeeded.Select(column => column.Index)]);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(FaultyView view, IEnumerable<Example> rows, HashSet<int> active) : DataViewRowCursor
    {
        private readonly IEnumerator<Example> _rows = rows.GetEnumerator();
        private long _position = -1;

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override bool MoveNext()
        {
            view.Before?.Invoke("move");
            _position++;
            return _rows.MoveNext();
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            view.Before?.Invoke("getter");
            Delegate getter = column.Name switch
            {
                nameof(Example.Features) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => value = Read().Features),
                nameof(Example.Label) => (ValueGetter<float>)((ref float value) => value = Read().Label),
                _ => (ValueGetter<float>)((ref float value) => value = Read().Weight),
            };
            return (ValueGetter<TValue>)getter;
        }

        protected override void Dispose(bool disposing)
        {
            Interlocked.Increment(ref view._disposals);
            _rows.Dispose();
            view.Before?.Invoke("dispose");
            base.Dispose(disposing);
        }

        private Example Read()
        {
            view.Before?.Invoke("read");
            return _rows.Current;
        }
    }
}
