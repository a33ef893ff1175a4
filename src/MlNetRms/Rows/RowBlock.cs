using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;

namespace MlNetRms.Rows;

/// <summary>
/// A few rows in the order of reading, few enough to stay in the cache while they are checked, summed up and dealt into buckets.
/// Dense rows are contiguous, each with its values, label, weight, and zeros up to whole vectors; sparse rows are in an array of their own.
/// </summary>
internal sealed class RowBlock(int featureCount)
{
    private const int CacheWords = 24 * 1024 / sizeof(float);

    /// <summary>Label and weight.</summary>
    private const int TrailerLength = 2;

    private RecordOfRow[] _rows = [];
    private float[] _dense = [];
    private float[] _sparse = [];
    private int _denseLength;
    private int _sparseLength;

    /// <summary>Floats from one dense row to the next.</summary>
    public int RowLength { get; } = RowLengthOf(featureCount);

    /// <summary>The dense rows.</summary>
    public ReadOnlySpan<float> DenseRows => _dense.AsSpan(0, _denseLength);

    public int RowCount { get; private set; }

    /// <summary>Whether there is no room for another dense row, or the sparse rows fill the cache.</summary>
    public bool IsFull => _sparseLength >= CacheWords || (_denseLength > 0 && _denseLength + (long)RowLength > CacheWords);

    public bool HasSparseRows => _sparseLength > 0;

    /// <summary>Floats that the rows take.</summary>
    public long Length => (long)_denseLength + _sparseLength;

    /// <inheritdoc cref="RowLength"/>
    public static int RowLengthOf(int featureCount) => RowLayout.WholeVectors(featureCount + TrailerLength);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Row row)
    {
        if (RowCount == _rows.Length)
            Array.Resize(ref _rows, Math.Max(16, 2 * RowCount));
        _rows[RowCount++] = row.IsDense ? AddDense(row) : AddSparse(row);
    }

    /// <summary>A row by its number in the order of reading.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Row RowAt(int number)
    {
        RecordOfRow record = _rows[number];
        if (record.IsDense)
        {
            ReadOnlySpan<float> dense = _dense.AsSpan(record.Start, featureCount + TrailerLength);
            return new Row([], dense[..^TrailerLength], dense[^2], dense[^1]);
        }
        ReadOnlySpan<float> sparse = _sparse.AsSpan(record.Start, 2 * record.Count + TrailerLength);
        return new Row(MemoryMarshal.Cast<float, int>(sparse)[..record.Count], sparse[record.Count..^TrailerLength], sparse[^2], sparse[^1]);
    }

    /// <summary>The row's values, label and weight, in a block without sparse rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<float> DenseRow(int number) => _dense.AsSpan(number * RowLength, featureCount + TrailerLength);

    /// <summary>Whether every value of every row is finite.</summary>
    public bool AllFinite()
    {
        bool finite = MomentKernels.AllFinite(DenseRows);
        for (int number = 0; finite && HasSparseRows && number < RowCount; number++)
            finite = _rows[number].IsDense || MomentKernels.AllFinite(RowAt(number).Values);
        return finite;
    }

    /// <summary>Keeps the rows for which <paramref name="keep"/> returns true, in their order.</summary>
    public void Keep(RowPredicate keep)
    {
        int kept = 0;
        int denseLength = 0;
        int sparseLength = 0;
        for (int number = 0; number < RowCount; number++)
        {
            if (!keep(RowAt(number)))
                continue;
            RecordOfRow record = _rows[number];
            if (record.IsDense)
            {
                _dense.AsSpan(record.Start, RowLength).CopyTo(_dense.AsSpan(denseLength));
                record = RecordOfRow.Dense(denseLength);
                denseLength += RowLength;
            }
            else
            {
                int length = 2 * record.Count + TrailerLength;
                _sparse.AsSpan(record.Start, length).CopyTo(_sparse.AsSpan(sparseLength));
                record = record with { Start = sparseLength };
                sparseLength += length;
            }
            _rows[kept++] = record;
        }
        RowCount = kept;
        _denseLength = denseLength;
        _sparseLength = sparseLength;
    }

    public void Clear() => RowCount = _denseLength = _sparseLength = 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RecordOfRow AddDense(in Row row)
    {
        if (_dense.Length - _denseLength < RowLength)
            Array.Resize(ref _dense, Math.Max(Math.Max(1, CacheWords / RowLength) * RowLength, checked(2 * _dense.Length)));
        Span<float> stored = _dense.AsSpan(_denseLength, RowLength);
        row.Values.CopyTo(stored);
        stored[featureCount] = row.Label;
        stored[featureCount + 1] = row.Weight;
        _denseLength += RowLength;
        return RecordOfRow.Dense(_denseLength - RowLength);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RecordOfRow AddSparse(in Row row)
    {
        int count = row.Values.Length;
        int length = 2 * count + TrailerLength;
        if (_sparse.Length - _sparseLength < length)
            Array.Resize(ref _sparse, Math.Max(CacheWords, checked(2 * (_sparseLength + length))));
        Span<float> stored = _sparse.AsSpan(_sparseLength, length);
        row.Indices.CopyTo(MemoryMarshal.Cast<float, int>(stored));
        row.Values.CopyTo(stored[count..]);
        stored[^2] = row.Label;
        stored[^1] = row.Weight;
        _sparseLength += length;
        return new RecordOfRow(_sparseLength - length, count);
    }

    public delegate bool RowPredicate(in Row row);

    /// <summary>Where a row is, among the dense or the sparse ones, and the number of values of a sparse one.</summary>
    private readonly record struct RecordOfRow(int Start, int Count)
    {
        public bool IsDense => Count < 0;

        public static RecordOfRow Dense(int start) => new(start, Count: -1);
    }
}

/// <summary>Rows in the order of reading, each once.</summary>
internal interface IRowSource
{
    /// <summary>Length of every feature vector.</summary>
    int FeatureCount { get; }

    /// <summary>Whether rows have example weights; otherwise every weight is 1.</summary>
    bool HasWeights { get; }

    /// <summary>What has been read and skipped so far.</summary>
    RowCounts Counts { get; }

    /// <summary>Fills a block with the next rows that have a finite label and a finite weight above 0.</summary>
    /// <returns>Whether there are more rows.</returns>
    /// <exception cref="InvalidOperationException">A feature vector does not have <see cref="FeatureCount"/> values.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    bool Fill(RowBlock block);

    /// <summary>Whether the features of a row are finite; if not, the row is counted as skipped.</summary>
    bool CheckFinite(in Row row);

    /// <summary>The error for data without a usable row.</summary>
    /// <param name="role">"training" or "validation".</param>
    /// <param name="counts">What was read.</param>
    InvalidOperationException NoUsableRow(string role, RowCounts counts);
}

/// <summary>One row in raw units; valid until the next one is read.</summary>
/// <param name="indices">Columns of the values, ascending; empty for a dense row.</param>
/// <param name="values">The values: of all columns, or of those in <paramref name="indices"/>.</param>
/// <param name="label">The label.</param>
/// <param name="weight">The example weight, greater than 0.</param>
internal readonly ref struct Row(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, float label, float weight)
{
    public ReadOnlySpan<int> Indices { get; } = indices;

    public ReadOnlySpan<float> Values { get; } = values;

    public float Label { get; } = label;

    public float Weight { get; } = weight;

    /// <summary>Whether every column has a value.</summary>
    public bool IsDense => Indices.Length < Values.Length;

    /// <summary>The column of the value at a position.</summary>
    public int Column(int position) => IsDense ? position : Indices[position];
}

/// <summary>How many rows were read, and how many of them were skipped, by reason.</summary>
internal record struct RowCounts(long Read, long BadLabel, long BadWeight, long BadFeatures)
{
    public readonly long Skipped => BadLabel + BadWeight + BadFeatures;

    /// <summary>Those of all shards of a job.</summary>
    /// <param name="job">The shards.</param>
    /// <param name="own">Those of this process's shards.</param>
    public static RowCounts Sum(Shards job, IEnumerable<RowCounts> own)
    {
        double[] sums = job.Sum([.. own.Select(counts => new double[] { counts.Read, counts.BadLabel, counts.BadWeight, counts.BadFeatures })]);
        return new((long)sums[0], (long)sums[1], (long)sums[2], (long)sums[3]);
    }
}
