using System.Globalization;
using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks;

/// <summary>Rows of numbers with random access.</summary>
internal interface IRows
{
    int Count { get; }

    int FeatureCount { get; }

    void Read(int row, ref VBuffer<float> features, out float label);
}

/// <summary><paramref name="count"/> rows of another source, from <paramref name="first"/> on.</summary>
internal sealed class RowRange(IRows rows, int first, int count) : IRows
{
    public int Count => count;

    public int FeatureCount => rows.FeatureCount;

    public void Read(int row, ref VBuffer<float> features, out float label) => rows.Read(first + row, ref features, out label);
}

/// <summary>y = 2 + x·w + 0.5·noise, with w ~ N(0, 1/k) for k values per row. Every row is a pure function of its number.</summary>
/// <param name="count">Number of rows.</param>
/// <param name="featureCount">Number of columns.</param>
/// <param name="nonZerosPerRow">Values per row, in random columns; null for all columns.</param>
internal sealed class SyntheticRows(int count, int featureCount, int? nonZerosPerRow = null) : IRows
{
    private const float Bias = 2;
    private const float Noise = 0.5f;
    private const ulong WeightStream = ulong.MaxValue;
    private readonly float[] _weights = Weights(featureCount, nonZerosPerRow ?? featureCount);

    public int Count => count;

    public int FeatureCount => featureCount;

    public void Read(int row, ref VBuffer<float> features, out float label)
    {
        var random = new NormalSource((ulong)row);
        int length = nonZerosPerRow ?? featureCount;
        VBufferEditor<float> editor = VBufferEditor.Create(ref features, featureCount, length);
        Span<float> values = editor.Values;
        float sum = Bias + Noise * random.Next();
        if (nonZerosPerRow is null)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = random.Next();
                sum += values[i] * _weights[i];
            }
        }
        else
        {
            // One column from each of equal ranges, as many as there are values: ascending and distinct.
            Span<int> columns = editor.Indices;
            int range = featureCount / length;
            for (int i = 0; i < values.Length; i++)
            {
                columns[i] = i * range + random.Below(range);
                values[i] = random.Next();
                sum += values[i] * _weights[columns[i]];
            }
        }
        label = sum;
        features = editor.Commit();
    }

    private static float[] Weights(int featureCount, int valuesPerRow)
    {
        var random = new NormalSource(WeightStream);
        var weights = new float[featureCount];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = random.Next() / MathF.Sqrt(valuesPerRow);
        return weights;
    }
}

/// <summary>Rows of a text file, the label last; .gz files are unpacked.</summary>
internal sealed class FileRows : IRows
{
    private readonly float[][] _rows;

    private FileRows(float[][] rows) => _rows = rows;

    public int Count => _rows.Length;

    public int FeatureCount => _rows[0].Length - 1;

    public static FileRows Load(string path)
    {
        using Stream file = File.OpenRead(path);
        using Stream text = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(text);
        var rows = new List<float[]>();
        while (reader.ReadLine() is { } line)
            rows.Add([.. line.Split(',', '\t').Select(cell => float.Parse(cell, CultureInfo.InvariantCulture))]);
        return new FileRows([.. rows]);
    }

    /// <summary>The first rows, with every column (and the label) scaled to mean 0 and standard deviation 1 over them.</summary>
    public FileRows Standardized(int count)
    {
        float[][] rows = [.. _rows.Take(count).Select(row => row.ToArray())];
        for (int column = 0; column < rows[0].Length; column++)
        {
            double mean = rows.Average(row => (double)row[column]);
            double deviation = Math.Sqrt(rows.Average(row => (row[column] - mean) * (row[column] - mean)));
            foreach (float[] row in rows)
                row[column] = (float)((row[column] - mean) / deviation);
        }
        return new FileRows(rows);
    }

    public void Read(int row, ref VBuffer<float> features, out float label)
    {
        VBufferEditor<float> editor = VBufferEditor.Create(ref features, FeatureCount);
        _rows[row].AsSpan(0, FeatureCount).CopyTo(editor.Values);
        features = editor.Commit();
        label = _rows[row][^1];
    }
}

/// <summary>Rows as a data view with the columns "Features" and "Label".</summary>
internal sealed class RowView : IDataView
{
    private readonly IRows _rows;

    public RowView(IRows rows)
    {
        _rows = rows;
        var schema = new DataViewSchema.Builder();
        schema.AddColumn("Features", new VectorDataViewType(NumberDataViewType.Single, rows.FeatureCount));
        schema.AddColumn("Label", NumberDataViewType.Single);
        Schema = schema.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => _rows.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    /// <summary>This view in ML.NET's cache, already full.</summary>
    public IDataView Cached(MLContext context)
    {
        IDataView cache = context.Data.Cache(this, [.. Schema.Select(column => column.Name)]);
        ReadAll(cache);
        return cache;
    }

    /// <summary>Reads every value of features and label once.</summary>
    public static void ReadAll(IDataView view)
    {
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        ValueGetter<VBuffer<float>> getFeatures = cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]);
        ValueGetter<float> getLabel = cursor.GetGetter<float>(view.Schema["Label"]);
        VBuffer<float> features = default;
        float label = 0;
        while (cursor.MoveNext())
        {
            getFeatures(ref features);
            getLabel(ref label);
        }
    }

    private sealed class Cursor(RowView view) : DataViewRowCursor
    {
        private VBuffer<float> _features;
        private float _label;
        private int _position = -1;
        private bool _rowIsRead;

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override bool MoveNext()
        {
            _rowIsRead = false;
            return ++_position < view._rows.Count;
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Delegate getter = column.Index == 0
                ? new ValueGetter<VBuffer<float>>((ref value) =>
                {
                    ReadRow();
                    _features.CopyTo(ref value);
                })
                : new ValueGetter<float>((ref value) =>
                {
                    ReadRow();
                    value = _label;
                });
            return (ValueGetter<TValue>)getter;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref id) => id = new DataViewRowId((ulong)_position, 0);

        private void ReadRow()
        {
            if (!_rowIsRead)
                view._rows.Read(_position, ref _features, out _label);
            _rowIsRead = true;
        }
    }
}
