using System.Runtime.InteropServices;
using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Threading;

namespace MlNetRms.Objective;

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

    public RowStore Part(int part) => _rows.Parts[part];

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
