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
