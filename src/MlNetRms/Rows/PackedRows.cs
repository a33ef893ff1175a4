using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>
/// The rows of a shard in the units of training, in the order in which they are read again and again. For the dense part of a
/// row see <see cref="RowLayout"/>; sparse columns are kept as positions and values (CSR).
/// </summary>
/// <remarks>
/// Dense parts are in segments of a fixed number of rows. The bits of a gradient depend on where a segment ends, so that is a matter of the layout
/// alone. A segment is in memory if there is room when its first row is packed, else in the file.
/// </remarks>
internal sealed class PackedRows
{
    private readonly RowMemory _memory;
    private readonly RowUnits _units;
    private readonly Lock _growing = new();
    private readonly int _rowsPerSegment;
    private readonly Block?[] _segments;
    private readonly SparsePosition[] _sparseRows;
    private Block?[] _sparseBlocks = [];
    private int _sparseBlockCount;

    private PackedRows(RowMemory memory, RowUnits units, long rowCount)
    {
        _memory = memory;
        _units = units;
        Layout = units.Layout;
        RowCount = rowCount;
        long denseRow = RowBuckets.DenseRecordWords(units.Scaling.Columns.FeatureCount);
        _rowsPerSegment = Math.Max(1, RowMemory.PageWordsFor(denseRow) / Layout.Stride);
        _segments = new Block?[checked((int)Divide.RoundUp(rowCount, _rowsPerSegment))];
        _sparseRows = new SparsePosition[Layout.SparseCount > 0 ? checked((int)rowCount) : 0];
    }

    public RowLayout Layout { get; }

    public ActiveFeatures Columns => _units.Scaling.Columns;

    public long RowCount { get; }

    /// <summary>Values kept in the sparse part of all rows.</summary>
    public long NonZeroCount => _sparseRows.Sum(row => (long)row.Count);

    /// <summary>Whether some rows may be in a file.</summary>
    public bool IsInFile => _memory.HasFile;

    /// <summary>Scales all rows of some buckets, bucket by bucket; the memory of each is returned once it has been read.</summary>
    /// <param name="memory">Where the rows go; the caller disposes of it.</param>
    /// <param name="units">Those of the packed rows.</param>
    /// <param name="buckets">The raw rows.</param>
    /// <param name="numberOfThreads">Most threads to use; the result does not depend on them.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="IOException">There is no room for the file, or it cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PackedRows Pack(RowMemory memory, RowUnits units, RowBuckets buckets, int numberOfThreads, CancellationToken cancellation)
    {
        var packed = new PackedRows(memory, units, buckets.RowCount);
        int threads = Decisions.PackingThreads(packed.RowCount * packed.Layout.Stride, numberOfThreads);
        int tasks = Math.Min(threads, buckets.Count);
        using var team = new WorkerTeam(threads, tasks, task =>
        {
            int end = (task + 1) * buckets.Count / tasks;
            int bucket = task * buckets.Count / tasks;
            var writer = new Writer(packed, buckets.RowsBefore(bucket));
            RecordPosition[] scratch = [];
            for (; bucket < end; bucket++)
                buckets.Drain(bucket, writer.Add, ref scratch, cancellation);
            writer.Complete();
        });
        team.Run();
        return packed;
    }

    /// <summary>
    /// The dense parts of at most <paramref name="count"/> rows from <paramref name="first"/> on: as many as are contiguous. Valid until the
    /// calling thread asks for others.
    /// </summary>
    public ReadOnlySpan<float> DenseRows(long first, int count)
    {
        (long segment, long within) = Math.DivRem(first, _rowsPerSegment);
        int rows = (int)Math.Min(count, _rowsPerSegment - within);
        return _memory.Read(_segments[segment]!, (int)within * Layout.Stride, rows * Layout.Stride, RowPart.Dense);
    }

    /// <summary>
    /// The sparse part of a row: positions among the sparse columns, and values. Valid until the calling thread asks for that of another.
    /// </summary>
    public void SparseRow(long row, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values)
    {
        SparsePosition position = _sparseRows[row];
        ReadOnlySpan<float> words = _memory.Read(_sparseBlocks[position.Block]!, position.Start, 2 * position.Count, RowPart.Sparse);
        positions = MemoryMarshal.Cast<float, int>(words)[..position.Count];
        values = words[position.Count..];
    }

    /// <summary>Says that some rows will be read soon, so that those in a file are on their way by then.</summary>
    public void Prefetch(long first, long count)
    {
        if (count == 0)
            return;
        int start = (int)(first / _rowsPerSegment);
        _memory.Prefetch(_segments.AsSpan(start, (int)((first + count - 1) / _rowsPerSegment) - start + 1));
        var blocks = new List<Block?>();
        for (long row = first; Layout.SparseCount > 0 && row < first + count; row++)
        {
            if (blocks.Count == 0 || blocks[^1] != _sparseBlocks[_sparseRows[row].Block])
                blocks.Add(_sparseBlocks[_sparseRows[row].Block]);
        }
        _memory.Prefetch(CollectionsMarshal.AsSpan(blocks));
    }

    /// <summary>The same for rows taken as a ring: beyond the last one come those from the first on.</summary>
    public void PrefetchRing(long first, long count)
    {
        long toTheEnd = Math.Min(count, RowCount - first);
        Prefetch(first, toTheEnd);
        Prefetch(0, count - toTheEnd);
    }

    public float Label(ReadOnlySpan<float> row) => row[Layout.LabelLane];

    public float Weight(ReadOnlySpan<float> row) => Layout.WeightLane is { } lane ? row[lane] : 1;

    /// <inheritdoc cref="RowUnits.RoundingVariances"/>
    public double[] RoundingVariances() => _units.RoundingVariances();

    /// <summary>Some of the rows, or all, in evenly spaced blocks: without shuffling the first rows need not be like the others.</summary>
    public IEnumerable<(long First, int Count)> EvenBlocks(long count, int blockRows)
    {
        for (long done = 0; done < count; done += blockRows)
        {
            int rows = (int)Math.Min(blockRows, count - done);
            yield return (count == RowCount ? done : done * (RowCount - rows) / count, rows);
        }
    }

    private long SegmentRows(long segment) => Math.Min(_rowsPerSegment, RowCount - segment * _rowsPerSegment);

    /// <summary>A segment for writing; two writers can share one.</summary>
    private Block Segment(long segment)
    {
        int words = (int)SegmentRows(segment) * Layout.Stride;
        lock (_growing)
        {
            // A full one takes a page, so that it can have that of raw rows.
            bool takesPage = _rowsPerSegment > 1 && SegmentRows(segment) == _rowsPerSegment && words <= _memory.PageWords;
            return _segments[segment] ??= _memory.TryRent(takesPage ? _memory.PageWords : words) ?? _memory.RentInFile(words);
        }
    }

    /// <returns>The number of the block, which is null until it has been written to the file.</returns>
    private int AddSparse(Block? block)
    {
        lock (_growing)
        {
            if (_sparseBlockCount == _sparseBlocks.Length)
                Array.Resize(ref _sparseBlocks, Math.Max(4, 2 * _sparseBlockCount));
            _sparseBlocks[_sparseBlockCount] = block;
            return _sparseBlockCount++;
        }
    }

    private readonly record struct SparsePosition(int Block, int Start, int Count);

    /// <summary>
    /// Packs rows one after the other; several can do so at once, each its own rows. What goes to the file is collected in a block of memory.
    /// </summary>
    private sealed class Writer(PackedRows store, long firstRow)
    {
        private const int ShortestSparseBlock = 1 << 8;

        private readonly RowMemory _memory = store._memory;
        private readonly RowUnits _units = store._units;
        private readonly RowLayout _layout = store.Layout;
        private long _row = firstRow;
        private Block? _segment;
        private Block? _segmentBuffer;
        private Block? _segmentMemory;
        private int _segmentStart;
        private int _sparse;
        private Block? _sparseBuffer;
        private Block? _sparseMemory;
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
            MomentKernels.Standardize(lanes, _units.LaneCenters, _units.LaneScales);
            _row++;
        }

        /// <summary>Writes what has been collected for the file.</summary>
        public void Complete()
        {
            WriteSegment((int)(_row % store._rowsPerSegment));
            WriteSparse();
            if (_segmentBuffer is not null)
                _memory.Return(_segmentBuffer);
            if (_sparseBuffer is not null)
                _memory.Return(_sparseBuffer);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Span<float> NextRow()
        {
            int within = (int)(_row % store._rowsPerSegment);
            if (_segmentMemory is null || within == 0)
                BeginSegment(within);
            return _segmentMemory!.Words.Slice(within * _layout.Stride, _layout.Stride);
        }

        private void BeginSegment(int within)
        {
            WriteSegment(store._rowsPerSegment);
            _segment = store.Segment(_row / store._rowsPerSegment);
            _segmentStart = within;
            _segmentMemory = _segment.IsInFile ? _segmentBuffer ??= _memory.Rent(store._rowsPerSegment * _layout.Stride) : _segment;
        }

        /// <summary>Writes this writer's rows of a segment in the file.</summary>
        private void WriteSegment(int end)
        {
            if (_segment is not { IsInFile: true })
                return;
            end = end == 0 ? store._rowsPerSegment : end;
            int start = _segmentStart * _layout.Stride;
            _memory.Write(_segment, start, _segmentBuffer!.Words[start..(end * _layout.Stride)]);
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
            Span<int> positions = MemoryMarshal.Cast<float, int>(words);
            int filled = 0;
            for (int k = 0; k < row.Values.Length; k++)
            {
                int position = _layout.PositionOfFeature(row.Column(k)) - _layout.DenseLength;
                if (position < 0 || row.Values[k] == 0)
                    continue;
                positions[filled] = position;
                words[sparseValues + filled] = (float)(row.Values[k] * _units.SparseScales[position]);
                filled++;
            }
        }

        private Span<float> NextSparse(int count)
        {
            if (_sparseMemory is null || _sparseMemory.Length - _sparseUsed < 2 * count)
                BeginSparse(2 * count);
            store._sparseRows[_row] = new SparsePosition(_sparse, _sparseUsed, count);
            _sparseUsed += 2 * count;
            return _sparseMemory!.Words.Slice(_sparseUsed - 2 * count, 2 * count);
        }

        /// <summary>The first block is short and the next ones longer, up to a page, so that a shard of few rows takes little memory.</summary>
        private void BeginSparse(int words)
        {
            int page = _memory.PageWords;
            int length = _sparseMemory is null ? ShortestSparseBlock : 2 * _sparseMemory.Length > page / 2 ? page : 2 * _sparseMemory.Length;
            WriteSparse();
            _sparseUsed = 0;
            _sparseMemory = _memory.TryRent(Math.Max(words, length));
            _sparse = store.AddSparse(_sparseMemory);
            if (_sparseMemory is not null)
                return;
            if (_sparseBuffer is not null && _sparseBuffer.Length < words)
            {
                _memory.Return(_sparseBuffer);
                _sparseBuffer = null;
            }
            _sparseMemory = _sparseBuffer ??= _memory.Rent(Math.Max(words, page));
        }

        private void WriteSparse()
        {
            if (_sparseMemory is null || _sparseMemory != _sparseBuffer)
                return;
            Block block = _memory.RentInFile(_sparseUsed);
            _memory.Write(block, 0, _sparseMemory.Words[.._sparseUsed]);
            lock (store._growing)
                store._sparseBlocks[_sparse] = block;
        }
    }
}

/// <summary>What makes packed rows of raw ones, the same for all rows of a training.</summary>
internal sealed class RowUnits
{
    /// <summary>Rounding changes a value by at most this share.</summary>
    private const double LargestRoundingShare = 1.0 / (1 << 24);

    /// <param name="layout">Where a row has its columns.</param>
    /// <param name="scaling">Center and scale of each column.</param>
    /// <param name="meanWeight">Mean of the example weights, which are stored relative to it: only their ratios matter, and sums of
    /// weights near 1 neither overflow nor vanish.</param>
    public RowUnits(RowLayout layout, Scaling scaling, double meanWeight)
    {
        Layout = layout;
        Scaling = scaling;
        LaneCenters = new double[layout.Stride];
        LaneScales = new double[layout.Stride];
        SparseScales = new double[layout.SparseCount];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            int position = layout.Position(column);
            if (position >= layout.DenseLength)
            {
                SparseScales[position - layout.DenseLength] = scaling.Scale(column);
                continue;
            }
            LaneCenters[position] = scaling.Center(column);
            LaneScales[position] = scaling.Scale(column);
        }
        LaneScales[layout.BiasLane] = 1;
        LaneCenters[layout.LabelLane] = scaling.LabelCenter;
        LaneScales[layout.LabelLane] = 1 / scaling.LabelStandardDeviation;
        if (layout.WeightLane is { } lane)
            LaneScales[lane] = 1 / meanWeight;
    }

    public RowLayout Layout { get; }

    public Scaling Scaling { get; }

    public double[] LaneCenters { get; }

    public double[] LaneScales { get; }

    public double[] SparseScales { get; }

    /// <summary>
    /// For each column, in the order of the positions, the variance, in the units of training, of what rounding to float can change in a value as
    /// stored and in a product of its raw value: at most half a unit in the last place of each, which is <see cref="LargestRoundingShare"/> of the
    /// value.
    /// </summary>
    public double[] RoundingVariances()
    {
        var variances = new double[Layout.ColumnCount];
        for (int column = 0; column < Layout.ColumnCount; column++)
            variances[Layout.NumberInOrder(column)] = LargestRoundingShare * LargestRoundingShare * Scaling.RoundedMeanSquare(column);
        return variances;
    }
}
