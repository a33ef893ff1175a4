using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The gradient of the loss over a mini-batch, at the current parameters.</summary>
/// <remarks>
/// A large batch is cut into blocks of rows that several threads can take. Their gradients are added in the order of the
/// rows, and the cut depends on the data alone, so the bits are the same for any number of threads.
/// </remarks>
internal sealed class BatchGradient : IDisposable
{
    private readonly PackedRows _rows;
    private readonly int _rowsPerBlock;
    private readonly GradientBlock[] _blocks;
    private readonly int _partsBefore;
    private readonly WorkerTeam _team;
    private long _first;
    private int _count;

    /// <param name="rows">The rows.</param>
    /// <param name="parameters">Where the gradient is taken; the caller changes them between two calls.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="batchSize">Largest batch to come.</param>
    /// <param name="numberOfThreads">Most threads to use; at least 1.</param>
    /// <param name="cancellation">Ends a call.</param>
    public BatchGradient(PackedRows rows, Parameters parameters, StandardizedLoss loss, int batchSize, int numberOfThreads, CancellationToken cancellation)
    {
        _rows = rows;
        (_rowsPerBlock, int blockCount) = BlocksOfRows.Of(batchSize, rows.Layout);
        _blocks = new GradientBlock[blockCount];
        for (int i = 0; i < _blocks.Length; i++)
            _blocks[i] = new GradientBlock(rows, parameters, loss, cancellation);
        _partsBefore = _blocks.Length > 1 && numberOfThreads > 1 && rows.IsInFile ? 1 : 0;
        _team = new WorkerTeam(numberOfThreads, _partsBefore + _blocks.Length, DoPart);
    }

    /// <summary>The rows of the batch after the one to be computed. Where rows are in a file, a thread brings them while others compute.</summary>
    public RowRun Following { get; set; }

    public int NumberOfThreads => _team.ThreadCount;

    /// <summary>Whether some rows are in a file.</summary>
    public bool IsInFile => _rows.IsInFile;

    /// <summary>Says which rows will be computed soon.</summary>
    public void Expect(long first, long count) => _rows.ExpectInRing(first, count);

    /// <summary>Adds up the rows of a batch.</summary>
    /// <returns>The sums; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public BatchSum Compute(RowRun run)
    {
        _first = run.First;
        _count = run.Count;
        _team.Run();

        // In place: the sums of the first block become those of the batch.
        BatchSum sum = _blocks[0].Sum;
        foreach (GradientBlock block in _blocks.AsSpan(1))
            sum.Add(block.Sum);
        return sum;
    }

    public void Dispose() => _team.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DoPart(int part)
    {
        if (part < _partsBefore)
        {
            _rows.Keep(Following.First, Following.Count);
            return;
        }
        int block = part - _partsBefore;
        int start = block * _rowsPerBlock;
        _blocks[block].Compute(_first + start, Math.Clamp(_count - start, 0, _rowsPerBlock));
    }
}

/// <summary>The gradients of the loss over what several parts of the rows have of a mini-batch, at the current parameters.</summary>
internal sealed class PartsGradient : IDisposable
{
    private readonly RowSet _rows;
    private readonly BlocksOfRows _cut;
    private readonly GradientBlock[] _blocks;
    private readonly BatchSum[] _sums;
    private readonly WorkerTeam _team;
    private readonly RowRun[] _runs;
    private readonly List<StoredChunk?> _needed = [];

    /// <param name="rows">The rows; each part has blocks of its own.</param>
    /// <param name="parameters">Where the gradient is taken; the caller changes them between two calls.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="batchSize">Rows of the batches to come, those of all parts of the job.</param>
    /// <param name="numberOfThreads">Most threads to use; at least 1.</param>
    /// <param name="cancellation">Ends a call.</param>
    public PartsGradient(RowSet rows, Parameters parameters, StandardizedLoss loss, int batchSize, int numberOfThreads, CancellationToken cancellation)
    {
        _rows = rows;
        int longestRun = rows.LargestRun(batchSize);
        _cut = BlocksOfRows.Of(longestRun, rows.Layout);
        _blocks = [.. rows.Parts.SelectMany(part => Enumerable.Range(0, _cut.Count).Select(_ => new GradientBlock(part, parameters, loss, cancellation)))];
        _sums = [.. rows.Parts.Select((_, part) => _blocks[part * _cut.Count].Sum)];
        _runs = new RowRun[_sums.Length];
        bool threadsPay = BlocksOfRows.ArePaying((long)longestRun * rows.Parts.Count, rows.Layout);
        _team = new WorkerTeam(threadsPay ? numberOfThreads : 1, _blocks.Length, ComputeBlock);
    }

    public int NumberOfThreads => _team.ThreadCount;

    /// <summary>Whether some rows are in a file.</summary>
    public bool IsInFile => _rows.Parts[0].IsInFile;

    public PackedRows Part(int part) => _rows.Parts[part];

    /// <summary>Adds up the rows of a batch, part by part.</summary>
    /// <param name="runs">The batch's rows of each part.</param>
    /// <returns>The sums of each part; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ReadOnlySpan<BatchSum> Compute(ReadOnlySpan<RowRun> runs)
    {
        runs.CopyTo(_runs);
        if (IsInFile)
            KeepRuns();
        _team.Run();

        // In place: the sums of a part's first block become those of the part.
        for (int part = 0; part < _sums.Length; part++)
        {
            foreach (GradientBlock block in _blocks.AsSpan(part * _cut.Count + 1, _cut.Count - 1))
                _sums[part].Add(block.Sum);
        }
        return _sums;
    }

    public void Dispose() => _team.Dispose();

    /// <summary>The parts take turns in memory, and the next batch begins where this one ends: without this each would displace the others.</summary>
    private void KeepRuns()
    {
        _needed.Clear();
        for (int part = 0; part < _runs.Length; part++)
            Part(part).AddChunksInRing(_runs[part].First, _runs[part].Count, _needed);
        Part(0).Keep(CollectionsMarshal.AsSpan(_needed));
    }

    private void ComputeBlock(int block)
    {
        (int part, int blockOfPart) = Math.DivRem(block, _cut.Count);
        int start = blockOfPart * _cut.RowsPerBlock;
        _blocks[block].Compute(_runs[part].First + start, Math.Clamp(_runs[part].Count - start, 0, _cut.RowsPerBlock));
    }
}

/// <summary>Some rows of a batch: the sum of their gradients, losses and weights.</summary>
internal sealed class GradientBlock
{
    /// <summary>A store of this size stays in the second-level cache, where hints cost more than they bring.</summary>
    private const long LargestCachedBytes = 1 << 20;

    private readonly PackedRows _rows;
    private readonly Parameters _parameters;
    private readonly RowLosses _losses;
    private readonly ISparseGradient? _sparse;
    private readonly CancellationToken _cancellation;
    private readonly bool _prefetch;
    private readonly float[] _derivatives;
    private readonly float[] _rowWeights;
    private readonly Action<int> _addPart;
    private long _sparseFirst;
    private int _sparseCount;

    public GradientBlock(PackedRows rows, Parameters parameters, StandardizedLoss loss, CancellationToken cancellation)
    {
        _rows = rows;
        _parameters = parameters;
        _losses = new RowLosses(rows, loss);
        Sum = new BatchSum(parameters.GradientLength);
        _sparse = parameters.SparseGradient(Sum.Gradient);
        _derivatives = new float[_sparse is null ? 0 : _losses.MostRows];
        _rowWeights = new float[_derivatives.Length];
        _addPart = AddPart;
        _cancellation = cancellation;
        _prefetch = rows.RowCount * rows.Layout.Stride * sizeof(float) > LargestCachedBytes;
    }

    public BatchSum Sum { get; }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Compute(long first, int count)
    {
        Span<float> gradient = Sum.Gradient;
        gradient.Clear();
        _losses.Reset();
        for (int done = 0; done < count;)
        {
            _cancellation.ThrowIfCancellationRequested();
            long row = first + done;
            if (row >= _rows.RowCount)
                row -= _rows.RowCount;
            int wanted = (int)Math.Min(Math.Min(count - done, _losses.MostRows), _rows.RowCount - row);
            ReadOnlySpan<float> lanes = _rows.DenseRows(row, wanted);
            if (_sparse is { NeedsPreparation: true })
                Prepare(row, lanes.Length / _rows.Layout.Stride, _sparse);
            ReadOnlySpan<float> derivatives = _losses.Derivatives(row, lanes, _parameters.Values);
            LinearKernels.AddGradient(lanes, derivatives, gradient[.._rows.Layout.Stride], _prefetch);
            if (_sparse is not null)
                AddSparse(row, lanes, derivatives, _sparse);
            done += derivatives.Length;
        }
        _parameters.Layout.ClearConstants(gradient);
        Sum.Losses = _losses.Sum;
        Sum.RowCount = count;
    }

    private void Prepare(long first, int count, ISparseGradient sparse)
    {
        for (int i = 0; i < count; i++)
        {
            _rows.SparseRow(first + i, out ReadOnlySpan<int> places, out _);
            sparse.Prepare(places);
        }
    }

    private void AddSparse(long first, ReadOnlySpan<float> lanes, ReadOnlySpan<float> derivatives, ISparseGradient sparse)
    {
        int stride = _rows.Layout.Stride;
        (_sparseFirst, _sparseCount) = (first, derivatives.Length);
        derivatives.CopyTo(_derivatives);
        for (int i = 0; i < derivatives.Length; i++)
            _rowWeights[i] = _rows.Weight(lanes.Slice(i * stride, stride));
        sparse.ForEachRange(_addPart);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddPart(int part)
    {
        for (int i = 0; i < _sparseCount; i++)
        {
            _rows.SparseRow(_sparseFirst + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            _sparse!.Add(part, places, values, _derivatives[i], _rowWeights[i]);
        }
    }
}

/// <summary>How the rows of a batch are cut into blocks that several threads can take: by the data alone, so that the bits are the same for any number of threads.</summary>
internal readonly record struct BlocksOfRows(int RowsPerBlock, int Count)
{
    /// <summary>The benchmark <c>limit</c> shows that threads pay off above about this many values per batch.</summary>
    private const long ValuesForThreads = 25_000;

    /// <summary>Each block has its own gradient, which costs time to add: at least so many rows a block, and at most so many blocks.</summary>
    private const int FewestRowsPerBlock = 32;
    private const int MostBlocks = 64;

    /// <param name="rowCount">Most rows of a batch.</param>
    /// <param name="layout">Of a row.</param>
    public static BlocksOfRows Of(int rowCount, RowLayout layout)
    {
        int rowsPerBlock = ArePaying(rowCount, layout) ? Math.Max(FewestRowsPerBlock, Divide.RoundUp(rowCount, MostBlocks)) : rowCount;
        return new(rowsPerBlock, Divide.RoundUp(rowCount, rowsPerBlock));
    }

    /// <summary>Whether threads shorten the time for so many rows.</summary>
    // The sparse gradient is one for all rows: threads would need one each.
    public static bool ArePaying(long rowCount, RowLayout layout) => rowCount * layout.Stride >= ValuesForThreads && layout.SparseCount == 0;
}

/// <summary>
/// What a batch adds up to: the gradient Σ c·ℓ'·x, the losses Σ c·ℓ and the weights Σ c of its rows, and their number. Sums of two
/// parts add up to the sums of both; <see cref="DivideByRows"/> comes last.
/// </summary>
internal sealed class BatchSum(int gradientLength)
{
    public float[] Gradient { get; } = new float[gradientLength];

    public LossSum Losses { get; set; }

    public long RowCount { get; set; }

    public void Add(BatchSum other)
    {
        Losses += other.Losses;
        RowCount += other.RowCount;
        LinearKernels.AddScaled(Gradient, 1, other.Gradient);
    }

    /// <summary>
    /// Makes <see cref="Gradient"/> the mean gradient Σ c·ℓ'·x / B over the batch's B rows; the example weights c have mean 1 over all rows.
    /// Divided by the batch's own Σ c, rows in light batches would count more than their weight says, and training would converge
    /// to another point, however long it runs.
    /// </summary>
    public void DivideByRows() => LinearKernels.Scale(Gradient, (float)(1.0 / RowCount));
}

/// <summary>Rows of one part that follow each other; beyond the last row come those from the first on.</summary>
internal readonly record struct RowRun(long First, int Count);
