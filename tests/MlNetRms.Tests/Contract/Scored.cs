using System.Globalization;
using Microsoft.ML.Data;

namespace MlNetRms.Tests.Contract;

/// <summary>Reads views cell by cell into a comparable form: floats as their bits.</summary>
internal static class Scored
{
    /// <summary>One row: its id and the cell of each column; null if the column is not active.</summary>
    public sealed record Cells(DataViewRowId Id, string?[] Values)
    {
        /// <summary>The cells of a subset of the columns.</summary>
        public string?[] Of(Func<int, bool> columns) => [.. Values.Select((value, column) => columns(column) ? value : null)];
    }

    public static Cells[] Read(IDataView view) => Read(view, _ => true);

    /// <param name="view">The rows.</param>
    /// <param name="columns">Which columns are active.</param>
    /// <param name="random">Shuffles the rows; null to keep their order.</param>
    public static Cells[] Read(IDataView view, Func<int, bool> columns, Random? random = null)
    {
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema.Where(column => columns(column.Index)), random);
        return Read(cursor, view.Schema);
    }

    /// <summary>Reads all rows of a cursor and checks its properties.</summary>
    public static Cells[] Read(DataViewRowCursor cursor, DataViewSchema schema)
    {
        Assert.Same(schema, cursor.Schema);
        Assert.Equal(-1, cursor.Position);
        Func<Cells> read = Reader(cursor);
        var rows = new List<Cells>();
        while (cursor.MoveNext())
        {
            Assert.Equal(rows.Count, cursor.Position);
            rows.Add(read());
        }
        Assert.False(cursor.MoveNext());
        return [.. rows];
    }

    /// <summary>Reads the current row of a cursor or a mapper.</summary>
    public static Func<Cells> Reader(DataViewRow row)
    {
        Func<string>?[] cells = [.. row.Schema.Select(column => row.IsColumnActive(column) ? Cell(row, column) : null)];
        ValueGetter<DataViewRowId> getId = row.GetIdGetter();
        return () =>
        {
            DataViewRowId id = default;
            getId(ref id);
            return new Cells(id, [.. cells.Select(cell => cell?.Invoke())]);
        };
    }

    private static Func<string> Cell(DataViewRow row, DataViewSchema.Column column) => column.Type switch
    {
        VectorDataViewType => Cell<VBuffer<float>>(row, column, vector => string.Join(" ", vector.DenseValues().Select(Bits))),
        TextDataViewType => Cell<ReadOnlyMemory<char>>(row, column, text => text.ToString()),
        _ => Cell<float>(row, column, Bits),
    };

    private static Func<string> Cell<T>(DataViewRow row, DataViewSchema.Column column, Func<T, string> text)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default!;
            getter(ref value);
            return text(value);
        };
    }

    private static string Bits(float value) => BitConverter.SingleToInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture);
}
