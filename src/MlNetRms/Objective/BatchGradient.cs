using System.Runtime.CompilerServices;
using MlNetRms.Data;
using MlNetRms.Kernels;
using MlNetRms.Model;
using MlNetRms.Threading;

namespace MlNetRms.Objective;

/// <summary>The gradient of the loss over a mini-batch, at the current parameters.</summary>
/// <remarks>
/// A large batch is cut into blocks of rows that several threads can take. Their gradients are added in the order of the
/// rows, and the cut depends on the data alone, so the bits are the same for any number of threads.
/// </remarks>
internal sealed class BatchGradient : IDisposable
{
    /// <summary>The benchmark <c>limit</c> shows that threads pay off above about this many values per batch.</summary>
    private const long ValuesForThreads = 25_000;

    /// <summary>Each block has its own gradient, which costs time to add: at least so many rows a block, and at most so many blocks.</summary>
    private const int FewestRowsPerBlock = 32;
    private const int MostBlocks = 64;

    private readonly RowStore _rows;
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
    public BatchGradient(RowStore rows, Parameters parameters, StandardizedLoss loss, int batchSize, int numberOfThreads, CancellationToken cancellation)
    {
        _rows = rows;
        // The sparse gradient is one for all rows: threads would need one each.
        bool inBlocks = (long)batchSize * rows.Layout.Stride >= ValuesForThreads && rows.Layout.SparseCount == 0;
        _rowsPerBlock = inBlocks ? Math.Max(FewestRowsPerBlock, Divide.RoundUp(batchSize, MostBlocks)) : batchSize;
        _blocks = new GradientBlock[Divide.RoundUp(batchSize, _rowsPerBlock)];
        for (int i = 0; i < _blocks.Length; i++)
            _blocks[i] = new GradientBlock(rows, parameters, loss, cancellation);
        _partsBefore = _blocks.Length > 1 && numberOfThreads > 1 && rows.IsInFile ? 1 : 0;
        _team = new WorkerTeam(numberOfThreads, _partsBefore + _blocks.Length, DoPart);
    }

    /// <summary>The rows of the batch after the one to be computed. Where rows are in a file, a thread brings them while others compute.</summary>
    public (long First, int Count) Following { get; set; }

    public int NumberOfThreads => _team.ThreadCount;

    /// <summary>Whether some rows are in a file.</summary>
    public bool IsInFile => _rows.IsInFile;

    /// <summary>Says which rows will be computed soon, as <see cref="Compute"/> takes them.</summary>
    public void Expect(long first, long count)
    {
        long toTheEnd = Math.Min(count, _rows.RowCount - first);
        _rows.Expect(first, toTheEnd);
        if (toTheEnd < count)
            _rows.Expect(0, count - toTheEnd);
    }

    /// <summary>Adds up <paramref name="count"/> rows from <paramref name="first"/> on; rows beyond the last are those from the first on.</summary>
    /// <returns>The sums; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public BatchSum Compute(long first, int count)
    {
        _first = first;
        _count = count;
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
