using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// The mini-batches of an epoch, and what each adds up to over all processes. A batch takes its share of each shard of the job, so it does not depend
/// on how the shards are divided among processes.
/// </summary>
internal sealed class Batches : IDisposable
{
    /// <summary>Bytes that are read in sequence before the next random jump; long enough for the memory to be at full speed.</summary>
    private const int RunBytes = 1 << 20;

    private readonly IReadOnlyList<PackedRows> _shards;
    private readonly BatchOrder[] _orders;
    private readonly RowRun[] _runs;
    private readonly BatchGradient _gradient;
    private readonly AllReduce? _allReduce;
    private readonly int _runLength;
    private bool _isInFile;

    /// <param name="rows">The rows.</param>
    /// <param name="plan">How many batches there are.</param>
    /// <param name="settings">Whether the order is random, and its seed.</param>
    /// <param name="gradient">Of the batches; this object disposes of it.</param>
    /// <param name="allReduce">Adds up over all shards; null if there is one.</param>
    public Batches(RowSet rows, TrainingPlan plan, PlanSettings settings, BatchGradient gradient, AllReduce? allReduce)
    {
        _shards = rows.Shards;
        _gradient = gradient;
        _allReduce = allReduce;
        _orders = new BatchOrder[_shards.Count];
        _runs = new RowRun[_shards.Count];
        _runLength = Math.Max(1, RunBytes / (sizeof(float) * rows.Layout.Stride) / plan.BatchSize);
        // If a shard's rows do not divide evenly, some of its runs are longer by a row: those after the runs that earlier shards made longer.
        long longBefore = rows.RowCounts.Take(rows.FirstShard).Sum(count => count % plan.StepsPerEpoch);
        for (int shard = 0; shard < _orders.Length; shard++)
        {
            long count = _shards[shard].RowCount;
            var share = new ShardOfBatches(rows.FirstShard + shard, count, plan.StepsPerEpoch, (int)(longBefore % plan.StepsPerEpoch));
            _orders[shard] = shard == 0 ? new BatchOrder(share, _runLength, settings.Shuffle, settings.Seed) : _orders[0].ForShard(share);
            longBefore += count % plan.StepsPerEpoch;
        }
    }

    /// <summary>Batches, that is steps, in an epoch.</summary>
    public int Count => _orders[0].BatchCount;

    public int NumberOfThreads => _gradient.NumberOfThreads;

    /// <summary>Sets the order of an epoch, counted from 0.</summary>
    public void Begin(int epoch)
    {
        _isInFile = _shards[0].IsInFile;
        foreach (BatchOrder order in _orders)
            order.Begin(epoch);
    }

    /// <summary>Adds up the batch at a position of the epoch, at the current parameters.</summary>
    /// <returns>The sums; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled, here or in another process.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public BatchSum Compute(int position)
    {
        for (int shard = 0; shard < _runs.Length; shard++)
        {
            if (_isInFile && position % _runLength == 0)
                _orders[shard].PrefetchNextRun(position, _shards[shard]);
            _runs[shard] = _orders[shard].Batch(position);
        }
        ReadOnlySpan<BatchSum> sums = _gradient.Compute(_runs);
        return _allReduce is null ? sums[0] : _allReduce.Reduce(sums);
    }

    /// <summary>Lets the other processes know in their next <see cref="Compute"/> that this one computes no further batch.</summary>
    public void Leave() => _allReduce?.Leave();

    public void Dispose() => _gradient.Dispose();
}

/// <summary>Which rows of a shard make which mini-batch in an epoch: a pure function of seed and epoch.</summary>
/// <remarks>
/// The stored rows of a shard, already in random order, are taken as a ring. Each epoch cuts the ring into near-equal runs, one for each batch,
/// beginning at a random row, so no two epochs have the same batches, and visits them in random order, the same for all shards. Batches that follow
/// one another in memory stay together in groups of <c>runLength</c>, so a large store is read mostly in sequence.
/// </remarks>
internal sealed class BatchOrder
{
    private readonly ShardOfBatches _shard;
    private readonly bool _shuffle;
    private readonly int _seed;
    private readonly int _runLength;
    private readonly int[] _batches;

    /// <summary>The order of the groups; null if that of another shard is shared.</summary>
    private readonly int[]? _groups;

    /// <summary>The row at which the epoch's first batch begins.</summary>
    private long _phase;

    public BatchOrder(ShardOfBatches shard, int runLength, bool shuffle, int seed)
    {
        _shard = shard;
        _shuffle = shuffle;
        _seed = seed;
        _runLength = runLength;
        _batches = new int[BatchCount];
        _groups = new int[Divide.RoundUp(BatchCount, runLength)];
        Begin(epoch: 0);
    }

    private BatchOrder(BatchOrder shared, ShardOfBatches shard)
    {
        (_shard, _shuffle, _seed, _runLength, _batches) = (shard, shared._shuffle, shared._seed, shared._runLength, shared._batches);
        Begin(epoch: 0);
    }

    /// <summary>Batches, that is steps, in an epoch.</summary>
    public int BatchCount => _shard.BatchCount;

    /// <summary>The order of another shard, which shares the order of the batches: this one's <see cref="Begin"/> comes first.</summary>
    public BatchOrder ForShard(ShardOfBatches shard) => new(this, shard);

    /// <summary>Sets the order of an epoch, counted from 0.</summary>
    public void Begin(int epoch)
    {
        var random = new SeededRandom(_seed, RandomStream.BatchOrder, epoch);
        // The shuffle takes the numbers from 1 on.
        _phase = _shuffle ? random.Below(-_shard.Number, _shard.RowCount) : 0;
        if (_groups is null)
            return;
        for (int group = 0; group < _groups.Length; group++)
            _groups[group] = group;
        if (_shuffle)
            random.Shuffle<int>(_groups);
        int position = 0;
        foreach (int group in _groups)
        {
            int end = Math.Min((group + 1) * _runLength, BatchCount);
            for (int batch = group * _runLength; batch < end; batch++)
                _batches[position++] = batch;
        }
    }

    /// <summary>The shard's rows in the batch at a position of the epoch; they may run over the end of the ring.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RowRun Batch(int position)
    {
        int batch = _batches[position];
        long start = _shard.Boundary(batch);
        long first = _phase + start;
        return new(first < _shard.RowCount ? first : first - _shard.RowCount, (int)(_shard.Boundary(batch + 1) - start));
    }

    /// <summary>Prefetches the rows of the group that follows the one that begins at a position; batches that are side by side are joined.</summary>
    public void PrefetchNextRun(int position, PackedRows rows)
    {
        int end = (int)Math.Min(position + 2L * _runLength, BatchCount);
        for (int next = position == 0 ? 0 : position + _runLength; next < end;)
        {
            (long first, int ofBatch) = Batch(next);
            long count = ofBatch;
            while (++next < end && Batch(next) is var (row, more) && row == first + count)
                count += more;
            rows.PrefetchRing(first, count);
        }
    }
}

/// <summary>How the rows of one shard are divided among the batches of an epoch.</summary>
/// <param name="Number">The shard's number in the job.</param>
/// <param name="RowCount">Its rows.</param>
/// <param name="BatchCount">Batches of an epoch.</param>
/// <param name="FirstLong">
/// The first of the batches that have one of its rows more than the others, if the rows do not divide evenly; the following ones are next to it, and
/// after the last batch comes the first.
/// </param>
internal readonly record struct ShardOfBatches(int Number, long RowCount, int BatchCount, int FirstLong)
{
    // Asked for in every step: a division takes as long as all the rest.
    private readonly long _shortRun = RowCount / BatchCount;
    private readonly long _longRuns = RowCount % BatchCount;
    private readonly long _longAtTheFirst = Math.Max(FirstLong + RowCount % BatchCount - BatchCount, 0);

    /// <summary>The row at which a batch begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Boundary(long batch) =>
        batch * _shortRun + Math.Min(Math.Max(batch - FirstLong, 0), _longRuns) + Math.Min(batch, _longAtTheFirst);
}
