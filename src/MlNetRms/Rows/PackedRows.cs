using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

/// <summary>
/// Rows in the units of training, packed in the order in which they were added and ready to be read in it. For the dense part of a
/// row see <see cref="RowLayout"/>; sparse columns are kept as places and values (CSR).
/// </summary>
internal sealed class PackedRows
{
    /// <summary>Each thread that packs rows holds the memory of one bucket twice.</summary>
    private const int MostThreads = 4;

    /// <summary>Fewer words than this are packed before a second thread has started.</summary>
    private const long WordsForThreads = 1 << 20;

    private readonly ChunkStore _chunks;
    private readonly Scaling _scaling;
    private readonly double[] _laneCenters;
    private readonly double[] _laneScales;
    private readonly double[] _placeScales;
    private readonly Lock _growing = new();
    private readonly int _rowsPerChunk;
    private readonly List<StoredChunk> _sparseChunks = [];
    private StoredChunk?[] _denseChunks = [];
    private SparsePosition[] _sparseRows = [];
    private Writer? _append;

    /// <param name="chunks">Where the memory comes from; the caller disposes of it.</param>
    /// <param name="layout">Where a row has its columns.</param>
    /// <param name="scaling">Applied to each row as it is added.</param>
    /// <param name="meanWeight">Mean of the example weights, which are stored relative to it: only their ratios matter, and sums of
    /// weights near 1 neither overflow nor vanish.</param>
    public PackedRows(ChunkStore chunks, RowLayout layout, Scaling scaling, double meanWeight)
    {
        _chunks = chunks;
        _scaling = scaling;
        Layout = layout;
        _rowsPerChunk = Math.Max(1, chunks.ChunkLength / layout.Stride);
        _laneCenters = new double[layout.Stride];
        _laneScales = new double[layout.Stride];
        _placeScales = new double[layout.SparseCount];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            int position = layout.Position(column);
            if (position >= layout.DenseLength)
            {
                _placeScales[position - layout.DenseLength] = scaling.Scale(column);
                continue;
            }
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

    public ActiveFeatures Columns => _scaling.Columns;

    /// <summary>See <see cref="Scaling.CentersSparse"/>.</summary>
    public bool CentersSparse => _scaling.CentersSparse;

    public long RowCount { get; private set; }

    /// <summary>Values kept in the sparse part of all rows.</summary>
    public long NonZeroCount => _sparseRows.Sum(row => (long)row.Count);

    /// <summary>Scales a raw row and appends it.</summary>
    public void Add(in Row row)
    {
        Reserve(RowCount + 1);
        _append ??= new Writer(this, RowCount);
        _append.Add(row);
        RowCount++;
    }

    /// <summary>Scales all rows of some buckets and appends them, bucket by bucket; the memory of each is returned once it has been read.</summary>
    /// <param name="buckets">The raw rows.</param>
    /// <param name="numberOfThreads">Most threads to use; the result does not depend on them.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void AddAll(RowBuckets buckets, int numberOfThreads, CancellationToken cancellation)
    {
        Reserve(RowCount + buckets.RowCount);
        int threads = buckets.RowCount * Layout.Stride < WordsForThreads ? 1 : Math.Min(numberOfThreads, MostThreads);
        int parts = Math.Min(threads, buckets.Count);
        using var team = new WorkerTeam(threads, parts, part =>
        {
            int end = (part + 1) * buckets.Count / parts;
            int bucket = part * buckets.Count / parts;
            using var writer = new Writer(this, RowCount + buckets.RowsBefore(bucket));
            RecordPosition[] scratch = [];
            for (; bucket < end; bucket++)
                buckets.Drain(bucket, writer.Add, ref scratch, cancellation);
        });
        team.Run();
        RowCount += buckets.RowCount;
        _append = null;
    }

    /// <summary>The dense parts of at most <paramref name="count"/> rows from <paramref name="first"/> on: as many as are contiguous. Valid until the
    /// calling thread asks for others.</summary>
    public ReadOnlySpan<float> DenseRows(long first, int count)
    {
        (long chunk, long within) = Math.DivRem(first, _rowsPerChunk);
        int rows = (int)Math.Min(count, _rowsPerChunk - within);
        return _chunks.Read(_denseChunks[(int)chunk]!, RowPart.Dense).Slice((int)within * Layout.Stride, rows * Layout.Stride);
    }

    /// <summary>Whether some rows are in a file.</summary>
    public bool IsInFile => _chunks.HasFile;

    /// <summary>Says that some rows will be read soon, so that those in a file are on their way by then.</summary>
    public void Expect(long first, long count)
    {
        _chunks.Expect(DenseChunks(first, count));
        if (Layout.SparseCount > 0)
            _chunks.Expect([.. _sparseRows.AsSpan((int)first, (int)count).ToArray().Select(row => row.Chunk).Distinct().Select(chunk => _sparseChunks[chunk])]);
    }

    /// <summary>Brings chunks of rows into memory and keeps them there until the next call; those of other rows too that share their memory with these.</summary>
    public void Keep(ReadOnlySpan<StoredChunk?> chunks) => _chunks.Keep(chunks);

    public ReadOnlySpan<StoredChunk?> DenseChunks(long first, long count)
    {
        int start = (int)(first / _rowsPerChunk);
        return _denseChunks.AsSpan(start, (int)Divide.RoundUp(first + count, _rowsPerChunk) - start);
    }

    /// <summary>The sparse part of a row: places among the sparse columns, and values. Valid until the calling thread asks for that of another.</summary>
    public void SparseRow(long row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values)
    {
        SparsePosition position = _sparseRows[(int)row];
        ReadOnlySpan<float> words = _chunks.Read(_sparseChunks[position.Chunk], RowPart.Sparse).Slice(position.Start, 2 * position.Count);
        places = MemoryMarshal.Cast<float, int>(words)[..position.Count];
        values = words[position.Count..];
    }

    public float Label(ReadOnlySpan<float> row) => row[Layout.LabelLane];

    public float Weight(ReadOnlySpan<float> row) => Layout.WeightLane is { } lane ? row[lane] : 1;

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

    /// <summary>Makes the lists long enough; the memory of the rows themselves is taken when they come.</summary>
    private void Reserve(long rows)
    {
        int chunks = checked((int)Divide.RoundUp(rows, _rowsPerChunk));
        if (_denseChunks.Length < chunks)
            Array.Resize(ref _denseChunks, Math.Max(chunks, 2 * _denseChunks.Length));
        if (Layout.SparseCount > 0 && _sparseRows.Length < rows)
            Array.Resize(ref _sparseRows, checked((int)Math.Max(rows, 2L * _sparseRows.Length)));
    }

    /// <summary>A chunk for writing, pinned; two writers can share one.</summary>
    private StoredChunk DenseChunk(int number, ChunkSequence sequence)
    {
        lock (_growing)
        {
            if (_denseChunks[number] is { } chunk)
                _chunks.PinForWriting(chunk);
            return _denseChunks[number] ??= _chunks.Rent(Layout.Stride, sequence);
        }
    }

    private (StoredChunk Chunk, int Number) NewSparseChunk(int length, ChunkSequence sequence)
    {
        lock (_growing)
        {
            _sparseChunks.Add(_chunks.Rent(length, sequence));
            return (_sparseChunks[^1], _sparseChunks.Count - 1);
        }
    }

    private readonly record struct SparsePosition(int Chunk, int Start, int Count);

    /// <summary>Packs rows one after the other; several can do so at once, each its own rows.</summary>
    private sealed class Writer(PackedRows store, long firstRow) : IDisposable
    {
        private readonly RowLayout _layout = store.Layout;
        private readonly ChunkSequence _denseSequence = new();
        private readonly ChunkSequence _sparseSequence = new();
        private long _row = firstRow;
        private StoredChunk? _dense;
        private StoredChunk? _sparse;
        private int _sparseNumber;
        private int _sparseUsed;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Add(in Row row)
        {
            Span<float> lanes = NextRow();
            if (row.IsDense && _layout.SparseCount == 0)
            {
                _layout.CopyDense(row.Values, lanes);
                lanes[_layout.DenseCount..].Clear();
            }
            else
            {
                lanes.Clear();
                AddByColumn(row, lanes);
            }
            lanes[_layout.BiasLane] = 1;
            lanes[_layout.LabelLane] = row.Label;
            if (_layout.WeightLane is { } lane)
                lanes[lane] = row.Weight;
            // All lanes at once: a zero that a sparse row leaves out is a value like any other once its column is centred.
            MomentKernels.Standardize(lanes, store._laneCenters, store._laneScales);
            _row++;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Span<float> NextRow()
        {
            (long chunk, long within) = Math.DivRem(_row, store._rowsPerChunk);
            if (_dense is null || within == 0)
            {
                Release(_dense);
                _dense = store.DenseChunk((int)chunk, _denseSequence);
            }
            return _dense.Memory!.Words.Slice((int)within * _layout.Stride, _layout.Stride);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void AddByColumn(in Row row, Span<float> lanes)
        {
            int sparseValues = 0;
            for (int k = 0; k < row.Values.Length; k++)
            {
                int position = _layout.PositionOfFeature(row.Column(k));
                if ((uint)position < (uint)_layout.DenseLength)
                    lanes[position] = row.Values[k];
                else if (position > 0 && row.Values[k] != 0)
                    sparseValues++;
            }
            if (_layout.SparseCount == 0)
                return;

            Span<float> words = NextSparse(sparseValues);
            Span<int> places = MemoryMarshal.Cast<float, int>(words);
            int filled = 0;
            for (int k = 0; k < row.Values.Length; k++)
            {
                int place = _layout.PositionOfFeature(row.Column(k)) - _layout.DenseLength;
                if (place < 0 || row.Values[k] == 0)
                    continue;
                places[filled] = place;
                words[sparseValues + filled] = (float)(row.Values[k] * store._placeScales[place]);
                filled++;
            }
        }

        private Span<float> NextSparse(int count)
        {
            if (_sparse is null || _sparse.Length - _sparseUsed < 2 * count)
            {
                Release(_sparse);
                (_sparse, _sparseNumber) = store.NewSparseChunk(2 * count, _sparseSequence);
                _sparseUsed = 0;
            }
            store._sparseRows[(int)_row] = new SparsePosition(_sparseNumber, _sparseUsed, count);
            _sparseUsed += 2 * count;
            return _sparse.Memory!.Words.Slice(_sparseUsed - 2 * count, 2 * count);
        }

        /// <summary>Lets the memory of the last rows be moved to a file.</summary>
        public void Dispose()
        {
            Release(_dense);
            Release(_sparse);
        }

        private void Release(StoredChunk? chunk)
        {
            if (chunk is not null)
                store._chunks.Unpin(chunk);
        }
    }
}

/// <summary>The two parts of a packed row, which are stored apart.</summary>
internal enum RowPart
{
    Dense,
    Sparse,
}

/// <summary>Rows taken as a ring: beyond the last one come those from the first on.</summary>
internal static class RowRing
{
    /// <summary>Says that some rows will be read soon, so that those in a file are on their way by then.</summary>
    public static void PrefetchRing(this PackedRows rows, long first, long count)
    {
        long toTheEnd = Math.Min(count, rows.RowCount - first);
        rows.Expect(first, toTheEnd);
        if (toTheEnd < count)
            rows.Expect(0, count - toTheEnd);
    }

    /// <summary>Brings rows up to the last one into memory and keeps them there until the next call; the dense parts alone.</summary>
    public static void Keep(this PackedRows rows, long first, int count) => rows.Keep(rows.DenseChunks(first, Math.Min(count, rows.RowCount - first)));

    /// <summary>Lists the chunks of the dense parts of some rows.</summary>
    public static void AddChunksInRing(this PackedRows rows, long first, long count, List<StoredChunk?> chunks)
    {
        long toTheEnd = Math.Min(count, rows.RowCount - first);
        chunks.AddRange(rows.DenseChunks(first, toTheEnd));
        chunks.AddRange(rows.DenseChunks(0, count - toTheEnd));
    }
}

/// <summary>Which rows stand for all.</summary>
internal static class RowSample
{
    /// <summary>So many rows, all or a sample, in evenly spaced blocks: without shuffling the first rows need not be like the others.</summary>
    public static IEnumerable<(long First, int Count)> EvenBlocks(this PackedRows store, long count, int blockRows)
    {
        for (long done = 0; done < count; done += blockRows)
        {
            int rows = (int)Math.Min(blockRows, count - done);
            yield return (count == store.RowCount ? done : done * (store.RowCount - rows) / count, rows);
        }
    }
}
