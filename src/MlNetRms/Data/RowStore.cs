using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;

namespace MlNetRms.Data;

/// <summary>
/// Rows in the units of training, packed in the order in which they were added and ready to be read in it. For the dense part of a
/// row see <see cref="RowLayout"/>; sparse columns are kept as places and values (CSR).
/// </summary>
internal sealed class RowStore
{
    private readonly ChunkPool _pool;
    private readonly Scaling _scaling;
    private readonly double[] _laneCenters;
    private readonly double[] _laneScales;
    private readonly List<Chunk> _denseChunks = [];
    private readonly int _rowsPerChunk;
    private readonly List<Chunk> _sparseChunks = [];
    private readonly List<SparsePosition> _sparseRows = [];
    private int _sparseUsed;

    /// <param name="pool">Where the memory comes from; the caller disposes of it.</param>
    /// <param name="layout">Where a row has its columns.</param>
    /// <param name="scaling">Applied to each row as it is added.</param>
    /// <param name="meanWeight">Mean of the example weights, which are stored relative to it: only their ratios matter, and sums of
    /// weights near 1 neither overflow nor vanish.</param>
    public RowStore(ChunkPool pool, RowLayout layout, Scaling scaling, double meanWeight)
    {
        _pool = pool;
        _scaling = scaling;
        Layout = layout;
        _rowsPerChunk = Math.Max(1, pool.ChunkLength / layout.Stride);
        _laneCenters = new double[layout.Stride];
        _laneScales = new double[layout.Stride];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            int position = layout.Position(column);
            if (position >= layout.DenseLength)
                continue;
            _laneCenters[position] = scaling.Center(column);
            _laneScales[position] = scaling.Scale(column);
        }
        _laneScales[layout.BiasLane] = 1;
        _laneCenters[layout.LabelLane] = scaling.LabelCenter;
        _laneScales[layout.LabelLane] = 1 / scaling.LabelStandardDeviation;
        if (layout.WeightLane is { } lane)
            _laneScales[lane] = 1 / meanWeight;
    }

    public RowLayout Layout { get; }

    /// <summary>See <see cref="Scaling.CentersSparse"/>.</summary>
    public bool CentersSparse => _scaling.CentersSparse;

    public long RowCount { get; private set; }

    /// <summary>Values kept in the sparse part of all rows.</summary>
    public long NonZeroCount { get; private set; }

    /// <summary>Scales a raw row and appends it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(in Row row)
    {
        Span<float> lanes = NextRow();
        if (row.IsDense && Layout.SparseCount == 0)
        {
            row.Values.CopyTo(lanes);
            lanes[row.Values.Length..].Clear();
        }
        else
        {
            lanes.Clear();
            AddByColumn(row, lanes);
        }
        lanes[Layout.BiasLane] = 1;
        lanes[Layout.LabelLane] = row.Label;
        if (Layout.WeightLane is { } lane)
            lanes[lane] = row.Weight;
        // All lanes at once: a zero that a sparse row leaves out is a value like any other once its column is centred.
        MomentKernels.Standardize(lanes, _laneCenters, _laneScales);
        RowCount++;
    }

    /// <summary>The dense parts of at most <paramref name="count"/> rows from <paramref name="first"/> on: as many as are contiguous.</summary>
    public ReadOnlySpan<float> DenseRows(long first, int count)
    {
        (long chunk, long within) = Math.DivRem(first, _rowsPerChunk);
        int rows = (int)Math.Min(count, _rowsPerChunk - within);
        return _denseChunks[(int)chunk].Words.Slice((int)within * Layout.Stride, rows * Layout.Stride);
    }

    /// <summary>So many rows, all or a sample, in evenly spaced blocks: without shuffling the first rows need not be like the others.</summary>
    public IEnumerable<(long First, int Count)> EvenBlocks(long count, int blockRows)
    {
        for (long done = 0; done < count; done += blockRows)
        {
            int rows = (int)Math.Min(blockRows, count - done);
            yield return (count == RowCount ? done : done * (RowCount - rows) / count, rows);
        }
    }

    /// <summary>The sparse part of a row: places among the sparse columns, and values.</summary>
    public void SparseRow(long row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values)
    {
        SparsePosition position = _sparseRows[(int)row];
        Span<float> words = _sparseChunks[position.Chunk].Words.Slice(position.Start, 2 * position.Count);
        places = MemoryMarshal.Cast<float, int>(words)[..position.Count];
        values = words[position.Count..];
    }

    public float Label(ReadOnlySpan<float> row) => row[Layout.LabelLane];

    public float Weight(ReadOnlySpan<float> row) => Layout.WeightLane is { } lane ? row[lane] : 1;

    /// <summary>The distance from 0 of the value of a dense column that is farthest from it.</summary>
    public float LargestDenseMagnitude()
    {
        var largest = new float[Layout.Stride];
        for (long first = 0; first < RowCount;)
        {
            ReadOnlySpan<float> lanes = DenseRows(first, (int)Math.Min(int.MaxValue, RowCount - first));
            MomentKernels.MaxMagnitudes(lanes, largest);
            first += lanes.Length / Layout.Stride;
        }
        return largest.Take(Layout.DenseCount).DefaultIfEmpty().Max();
    }

    /// <summary>For each lane what a raw 0 is stored as, where its column is mostly zero; 0 in the others.</summary>
    public float[] StoredZeros()
    {
        var zeros = new float[Layout.Stride];
        MomentKernels.Standardize(zeros, _laneCenters, _laneScales);
        for (int column = 0; column < Layout.ColumnCount; column++)
        {
            if (Layout.Position(column) < Layout.DenseCount && !_scaling.IsMostlyZero(column))
                zeros[Layout.Position(column)] = 0;
        }
        return zeros;
    }

    private Span<float> NextRow()
    {
        int within = (int)(RowCount % _rowsPerChunk);
        if (within == 0)
            _denseChunks.Add(_pool.Rent(Layout.Stride));
        return _denseChunks[^1].Words.Slice(within * Layout.Stride, Layout.Stride);
    }

    private void AddByColumn(in Row row, Span<float> lanes)
    {
        int sparseValues = 0;
        for (int k = 0; k < row.Values.Length; k++)
        {
            int position = Layout.Position(row.Column(k));
            if (position < Layout.DenseLength)
                lanes[position] = row.Values[k];
            else if (row.Values[k] != 0)
                sparseValues++;
        }
        if (Layout.SparseCount == 0)
            return;

        Span<float> words = NextSparse(sparseValues);
        Span<int> places = MemoryMarshal.Cast<float, int>(words);
        int filled = 0;
        for (int k = 0; k < row.Values.Length; k++)
        {
            int column = row.Column(k);
            int place = Layout.Position(column) - Layout.DenseLength;
            if (place < 0 || row.Values[k] == 0)
                continue;
            places[filled] = place;
            words[sparseValues + filled] = (float)(row.Values[k] * _scaling.Scale(column));
            filled++;
        }
    }

    private Span<float> NextSparse(int count)
    {
        if (_sparseChunks.Count == 0 || _sparseChunks[^1].Length - _sparseUsed < 2 * count)
        {
            _sparseChunks.Add(_pool.Rent(2 * count));
            _sparseUsed = 0;
        }
        _sparseRows.Add(new SparsePosition(_sparseChunks.Count - 1, _sparseUsed, count));
        _sparseUsed += 2 * count;
        NonZeroCount += count;
        return _sparseChunks[^1].Words.Slice(_sparseUsed - 2 * count, 2 * count);
    }

    private readonly record struct SparsePosition(int Chunk, int Start, int Count);
}
