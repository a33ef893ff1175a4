using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The gradient of the loss over a mini-batch, at the current parameters, shard by shard.</summary>
/// <remarks>
/// The rows of a large batch are cut into blocks that several threads can take. Their gradients are added in the order of the rows, and the cut
/// depends on the data alone, so the bits are the same for any number of threads.
/// </remarks>
internal sealed class BatchGradient : IDisposable
{
    private readonly int _rowsPerBlock;
    private readonly int _blocksPerShard;
    private readonly GradientBlock[] _blocks;
    private readonly BatchSum[] _sums;
    private readonly RowRun[] _runs;
    private readonly WorkerTeam _team;

    /// <param name="rows">The rows.</param>
    /// <param name="parameters">The point at which the gradient is taken; the caller changes it between two calls.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="plan">The size of the batches, over all shards of the job, and their number.</param>
    /// <param name="inEveryBatch">Rows that count in every batch, and only so.</param>
    /// <param name="numberOfThreads">Most threads to use; at least 1.</param>
    /// <param name="cancellation">Ends a call.</param>
    public BatchGradient(
        RowSet rows, Parameters parameters, StandardizedLoss loss, TrainingPlan plan, HighLeverageRows inEveryBatch, int numberOfThreads,
        CancellationToken cancellation)
    {
        RowLayout layout = rows.Layout;
        int longestRun = rows.LargestRun(plan.BatchSize);
        _rowsPerBlock = Decisions.RowsPerBlock(longestRun, layout.Stride, layout.SparseCount);
        _blocksPerShard = Divide.RoundUp(longestRun, _rowsPerBlock);
        _blocks = [.. rows.Shards.SelectMany((shard, number) => Enumerable.Range(0, _blocksPerShard).Select(block => new GradientBlock(
            shard, parameters, loss, inEveryBatch.OfShard(number), block == 0 ? 1f / plan.StepsPerEpoch : 0, cancellation)))];
        _sums = [.. rows.Shards.Select((_, shard) => _blocks[shard * _blocksPerShard].Sum)];
        _runs = new RowRun[_sums.Length];
        bool threadsPay = Decisions.ThreadsPay((long)longestRun * rows.Shards.Count, layout.Stride, layout.SparseCount);
        _team = new WorkerTeam(threadsPay ? numberOfThreads : 1, _blocks.Length, ComputeBlock);
    }

    public int NumberOfThreads => _team.ThreadCount;

    /// <summary>Adds up the rows of a batch.</summary>
    /// <param name="runs">The batch's rows of each shard.</param>
    /// <returns>The sums of each shard, meaningless except for their number if that is 0; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ReadOnlySpan<BatchSum> Compute(ReadOnlySpan<RowRun> runs)
    {
        runs.CopyTo(_runs);
        _team.Run();

        // In place: the sums of a shard's first block become those of the shard.
        for (int shard = 0; _blocksPerShard > 1 && shard < _sums.Length; shard++)
        {
            foreach (GradientBlock block in _blocks.AsSpan(shard * _blocksPerShard + 1, _blocksPerShard - 1))
            {
                if (block.Sum.RowCount > 0)
                    _sums[shard].Add(block.Sum);
            }
        }
        return _sums;
    }

    public void Dispose() => _team.Dispose();

    private void ComputeBlock(int block)
    {
        (int shard, int blockOfShard) = Math.DivRem(block, _blocksPerShard);
        int start = blockOfShard * _rowsPerBlock;
        RowRun run = _runs[shard];
        _blocks[block].Compute(run.First + start, Math.Clamp(run.Count - start, 0, _rowsPerBlock));
    }
}

/// <summary>Rows of one shard that follow each other; the row after the last one is the first.</summary>
internal readonly record struct RowRun(long First, int Count);

/// <summary>Some rows of a batch: the sum of their gradients, losses and weights.</summary>
internal sealed class GradientBlock
{
    /// <summary>Rows of this size stay in the second-level cache, where hints cost more than they bring.</summary>
    private const long LargestCachedBytes = 1 << 20;

    private readonly PackedRows _rows;
    private readonly Parameters _parameters;
    private readonly RowLosses _losses;
    private readonly ISparseGradient? _sparse;
    private readonly CancellationToken _cancellation;
    private readonly bool _prefetch;
    private readonly long[] _inEveryBatch;
    private readonly float _shareOfBatch;
    private readonly RowLosses _lossesOfEvery;
    private readonly float[] _derivatives;
    private readonly float[] _rowWeights;
    private readonly Action<int> _addRange;
    private long _sparseFirst;
    private int _sparseCount;

    /// <param name="rows">The rows.</param>
    /// <param name="parameters">The point at which the gradient is taken.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="inEveryBatch">Rows that do not count where they are, ascending.</param>
    /// <param name="shareOfBatch">What one of these rows counts in the sum instead; 0 if another block has them.</param>
    /// <param name="cancellation">Ends a call.</param>
    public GradientBlock(PackedRows rows, Parameters parameters, StandardizedLoss loss, long[] inEveryBatch, float shareOfBatch,
        CancellationToken cancellation)
    {
        _inEveryBatch = inEveryBatch;
        _shareOfBatch = inEveryBatch.Length > 0 ? shareOfBatch : 0;
        _lossesOfEvery = new RowLosses(rows, loss);
        _rows = rows;
        _parameters = parameters;
        _losses = new RowLosses(rows, loss);
        Sum = new BatchSum(parameters.GradientLength);
        _sparse = parameters.SparseGradient(Sum.Gradient);
        _derivatives = new float[_sparse is null ? 0 : _losses.MostRows];
        _rowWeights = new float[_derivatives.Length];
        _addRange = AddRange;
        _cancellation = cancellation;
        _prefetch = rows.RowCount * rows.Layout.Stride * sizeof(float) > LargestCachedBytes;
    }

    public BatchSum Sum { get; }

    /// <summary>
    /// Computes the sums of some rows, at the current parameters. If there are none, as is often so for a batch in a small shard, only their number
    /// is set.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Compute(long first, int count)
    {
        Sum.RowCount = count;
        Sum.HasRows = count > 0 || _shareOfBatch > 0;
        if (!Sum.HasRows)
            return;
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
            Span<float> derivatives = _losses.Derivatives(row, lanes, _parameters.Values);
            if (_inEveryBatch.Length > 0)
                LeaveOut(row, derivatives);
            LinearKernels.AddGradient(lanes, derivatives, gradient[.._rows.Layout.Stride], _prefetch);
            if (_sparse is not null)
                AddSparse(row, lanes, derivatives, _sparse);
            done += derivatives.Length;
        }
        if (_shareOfBatch > 0)
            AddInEveryBatch(gradient);
        _parameters.Layout.ClearConstants(gradient);
        Sum.Losses = _losses.Sum;
    }

    private void LeaveOut(long first, Span<float> derivatives)
    {
        int next = Array.BinarySearch(_inEveryBatch, first);
        for (next = next < 0 ? ~next : next; next < _inEveryBatch.Length && _inEveryBatch[next] < first + derivatives.Length; next++)
            derivatives[(int)(_inEveryBatch[next] - first)] = 0;
    }

    private void AddInEveryBatch(Span<float> gradient)
    {
        foreach (long row in _inEveryBatch)
        {
            ReadOnlySpan<float> lanes = _rows.DenseRows(row, 1);
            if (_sparse is { NeedsPreparation: true })
                Prepare(row, 1, _sparse);
            Span<float> derivative = _lossesOfEvery.Derivatives(row, lanes, _parameters.Values);
            derivative[0] *= _shareOfBatch;
            LinearKernels.AddGradient(lanes, derivative, gradient[.._rows.Layout.Stride]);
            if (_sparse is not null)
                AddSparse(row, lanes, derivative, _sparse, weighs: false);
        }
    }

    private void Prepare(long first, int count, ISparseGradient sparse)
    {
        for (int i = 0; i < count; i++)
        {
            _rows.SparseRow(first + i, out ReadOnlySpan<int> positions, out _);
            sparse.Prepare(positions);
        }
    }

    /// <param name="first">The first row.</param>
    /// <param name="lanes">The dense parts of the rows.</param>
    /// <param name="derivatives">c·ℓ' of each row.</param>
    /// <param name="sparse">Receives the gradient.</param>
    /// <param name="weighs">Whether the rows have a part of an L2 penalty.</param>
    private void AddSparse(long first, ReadOnlySpan<float> lanes, ReadOnlySpan<float> derivatives, ISparseGradient sparse, bool weighs = true)
    {
        int stride = _rows.Layout.Stride;
        (_sparseFirst, _sparseCount) = (first, derivatives.Length);
        derivatives.CopyTo(_derivatives);
        for (int i = 0; i < derivatives.Length; i++)
            _rowWeights[i] = weighs ? _rows.Weight(lanes.Slice(i * stride, stride)) : 0;
        sparse.ForEachRange(_addRange);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRange(int range)
    {
        for (int i = 0; i < _sparseCount; i++)
        {
            _rows.SparseRow(_sparseFirst + i, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            _sparse!.Add(range, positions, values, _derivatives[i], _rowWeights[i]);
        }
    }
}
