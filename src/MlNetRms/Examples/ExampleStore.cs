using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;

namespace MlNetRms.Examples;

/// <summary>
/// The training rows, standardised, shuffled once and packed, ready to be read in order.
/// </summary>
/// <remarks>
/// Each row has a dense part of <see cref="Stride"/> floats: its dense columns, a 1 for the bias, the label, the example
/// weight where there is one, and zeros up to a whole number of vectors. With the parameters laid out alike
/// (weights, bias, −1, 0, …) the residual is one dot product. Its sparse columns, if the set has enough of them to pay,
/// are kept apart as indices and values (CSR).
/// </remarks>
internal sealed class ExampleStore : IDisposable
{
    /// <summary>Floats in the widest vector register in use; rows are padded to a multiple of it.</summary>
    private const int VectorFloats = 8;

    /// <summary>Fewer sparse columns than this are packed dense: a few zeros read in order beat an index looked up.</summary>
    private const int FewestSparseColumns = 64;

    private readonly ChunkPool _pool;
    private readonly Standardizer _standardizer;
    private readonly int[] _slots;
    private readonly double[] _laneCenters;
    private readonly double[] _laneScales;
    private readonly List<Chunk> _denseChunks = [];
    private readonly int _rowsPerChunk;
    private readonly List<Chunk> _sparseChunks = [];
    private readonly SparsePosition[] _sparseRows;
    private int _sparseUsed;

    /// <param name="pool">Where the memory comes from; the store disposes it.</param>
    /// <param name="standardizer">Applied to each row as it is added; also says which columns are sparse.</param>
    /// <param name="capacity">Rows to come.</param>
    /// <param name="meanWeight">Mean of the example weights, which are stored relative to it: only their ratios matter, and sums of
    /// weights near 1 neither overflow nor vanish. Null where every example weighs 1.</param>
    public ExampleStore(ChunkPool pool, Standardizer standardizer, long capacity, double? meanWeight)
    {
        _pool = pool;
        _standardizer = standardizer;
        bool allDense = standardizer.IsSparse.Count(isSparse => isSparse) < FewestSparseColumns;
        _slots = new int[standardizer.IsSparse.Length];
        for (int column = 0; column < _slots.Length; column++)
            _slots[column] = allDense || !standardizer.IsSparse[column] ? DenseCount++ : ~SparseCount++;

        WeightLane = meanWeight is null ? null : LabelLane + 1;
        int lanes = (WeightLane ?? LabelLane) + 1;
        Stride = WholeVectors(lanes);
        _rowsPerChunk = Math.Max(1, pool.ChunkLength / Stride);
        _sparseRows = new SparsePosition[SparseCount > 0 ? capacity : 0];

        _laneCenters = new double[Stride];
        _laneScales = new double[Stride];
        for (int column = 0; column < _slots.Length; column++)
        {
            if (_slots[column] < 0)
                continue;
            _laneCenters[_slots[column]] = standardizer.Center(column);
            _laneScales[_slots[column]] = standardizer.Scale(column);
        }
        _laneScales[BiasLane] = 1;
        _laneCenters[LabelLane] = standardizer.LabelCenter;
        _laneScales[LabelLane] = 1 / standardizer.LabelStandardDeviation;
        if (WeightLane is { } lane)
            _laneScales[lane] = 1 / meanWeight!.Value;
    }

    /// <summary>Number of columns in the dense part.</summary>
    public int DenseCount { get; }

    /// <summary>Number of columns kept as indices and values.</summary>
    public int SparseCount { get; }

    /// <summary>Where each column went: its place in the dense part, or the complement (~) of its place among the sparse ones.</summary>
    public ReadOnlySpan<int> Slots => _slots;

    /// <summary>Floats from one row's dense part to the next one's.</summary>
    public int Stride { get; }

    public int BiasLane => DenseCount;

    public int LabelLane => DenseCount + 1;

    /// <summary>Null where every example weighs 1.</summary>
    public int? WeightLane { get; }

    public long RowCount { get; private set; }

    /// <summary>Values kept in the sparse part of all rows.</summary>
    public long NonZeroCount { get; private set; }

    /// <summary>The least whole number of vectors that holds so many floats, in floats.</summary>
    public static int WholeVectors(int length) => (length + VectorFloats - 1) / VectorFloats * VectorFloats;

    /// <summary>Standardises a raw row and puts it behind the others.</summary>
    /// <param name="indices">Columns of the values; empty for a dense row.</param>
    /// <param name="values">Raw values: of all columns, or of those in <paramref name="indices"/>.</param>
    /// <param name="isDense">Whether every column has a value.</param>
    /// <param name="label">Raw label.</param>
    /// <param name="weight">Example weight.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, bool isDense, float label, float weight)
    {
        Span<float> row = NextRow();
        if (isDense && SparseCount == 0)
        {
            values.CopyTo(row);
            row[values.Length..].Clear();
        }
        else
        {
            row.Clear();
            AddByColumn(indices, values, isDense, row);
        }
        row[BiasLane] = 1;
        row[LabelLane] = label;
        if (WeightLane is { } lane)
            row[lane] = weight;
        // All lanes at once: a zero that a sparse row leaves out is a value like any other once its column is centred.
        MomentKernels.Standardize(row, _laneCenters, _laneScales);
        RowCount++;
    }

    /// <summary>The dense parts of up to <paramref name="count"/> rows from <paramref name="first"/> on: as many as lie side by side.</summary>
    public ReadOnlySpan<float> DenseRows(long first, int count)
    {
        (long chunk, long within) = Math.DivRem(first, _rowsPerChunk);
        int rows = (int)Math.Min(count, _rowsPerChunk - within);
        return _denseChunks[(int)chunk].Words.Slice((int)within * Stride, rows * Stride);
    }

    /// <summary>The sparse part of a row: places among the sparse columns, and values.</summary>
    public void SparseRow(long row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values)
    {
        SparsePosition position = _sparseRows[row];
        Span<float> words = _sparseChunks[position.Chunk].Words.Slice(position.Start, 2 * position.Count);
        places = MemoryMarshal.Cast<float, int>(words)[..position.Count];
        values = words[position.Count..];
    }

    /// <summary>The value farthest from zero among all features, and its column. Reads every row: for messages only.</summary>
    public (int Column, float Value) LargestValue()
    {
        double[] largest = FoldColumns((value, _) => value, double.MaxMagnitude, CancellationToken.None);
        int column = Enumerable.Range(0, largest.Length).MaxBy(column => Math.Abs(largest[column]));
        return (column, (float)largest[column]);
    }

    /// <summary>Weighted mean of the squares of each column, as stored.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public double[] MeanSquares(CancellationToken cancellation)
    {
        double weights = 0;
        for (long row = 0; row < RowCount; row++)
            weights += WeightOf(DenseRows(row, 1));
        return Array.ConvertAll(FoldColumns((value, weight) => weight * value * value, (sum, term) => sum + term, cancellation), sum => sum / weights);
    }

    /// <summary>Weighted mean over all rows of a function of the (standardised) label.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public double WeightedMeanOverLabels(Func<float, double> function, CancellationToken cancellation)
    {
        double sum = 0;
        double weights = 0;
        for (long row = 0; row < RowCount; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> lanes = DenseRows(row, 1);
            double weight = WeightOf(lanes);
            sum += weight * function(lanes[LabelLane]);
            weights += weight;
        }
        return sum / weights;
    }

    public void Dispose() => _pool.Dispose();

    private double WeightOf(ReadOnlySpan<float> row) => WeightLane is { } lane ? row[lane] : 1;

    /// <summary>For each column the fold, from 0, of a term of each value that is stored (of value and example weight).</summary>
    private double[] FoldColumns(Func<double, double, double> term, Func<double, double, double> fold, CancellationToken cancellation)
    {
        var folded = new double[DenseCount + SparseCount];
        for (long row = 0; row < RowCount; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> lanes = DenseRows(row, 1);
            double weight = WeightOf(lanes);
            for (int i = 0; i < DenseCount; i++)
                folded[i] = fold(folded[i], term(lanes[i], weight));
            if (SparseCount == 0)
                continue;
            SparseRow(row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            for (int k = 0; k < places.Length; k++)
                folded[DenseCount + places[k]] = fold(folded[DenseCount + places[k]], term(values[k], weight));
        }
        return [.. _slots.Select(slot => folded[slot >= 0 ? slot : DenseCount + ~slot])];
    }

    private Span<float> NextRow()
    {
        int within = (int)(RowCount % _rowsPerChunk);
        if (within == 0)
            _denseChunks.Add(_pool.Rent(Stride));
        return _denseChunks[^1].Words.Slice(within * Stride, Stride);
    }

    private void AddByColumn(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, bool isDense, Span<float> row)
    {
        int sparseValues = 0;
        for (int k = 0; k < values.Length; k++)
        {
            int column = isDense ? k : indices[k];
            if (_slots[column] >= 0)
                row[_slots[column]] = values[k];
            else if (values[k] != 0)
                sparseValues++;
        }
        if (SparseCount == 0)
            return;

        Span<float> words = NextSparse(sparseValues);
        Span<int> places = MemoryMarshal.Cast<float, int>(words);
        int filled = 0;
        for (int k = 0; k < values.Length; k++)
        {
            int column = isDense ? k : indices[k];
            if (_slots[column] >= 0 || values[k] == 0)
                continue;
            places[filled] = ~_slots[column];
            words[sparseValues + filled] = (float)(values[k] * _standardizer.Scale(column));
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
        _sparseRows[RowCount] = new SparsePosition(_sparseChunks.Count - 1, _sparseUsed, count);
        _sparseUsed += 2 * count;
        NonZeroCount += count;
        return _sparseChunks[^1].Words.Slice(_sparseUsed - 2 * count, 2 * count);
    }

    private readonly record struct SparsePosition(int Chunk, int Start, int Count);
}
