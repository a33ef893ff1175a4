using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>Batches of rows that are all in one part, that of this process.</summary>
internal sealed class UndividedBatches(BatchOrder order, BatchGradient gradient) : IBatches
{
    private bool _isInFile;

    public int Count => order.BatchCount;

    public int NumberOfThreads => gradient.NumberOfThreads;

    public void Begin(int epoch)
    {
        order.Begin(epoch);
        _isInFile = gradient.IsInFile;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public BatchSum Compute(int position)
    {
        if (_isInFile)
        {
            if (position % order.RunLength == 0)
                order.ExpectNextRun(position, gradient.Expect);
        }
        return gradient.Compute(order.Batch(position));
    }

    public void Leave()
    {
    }

    public void Dispose() => gradient.Dispose();
}

/// <summary>
/// Batches that take their share of each part of the job, so that they do not depend on how the parts are divided among processes.
/// </summary>
internal sealed class DividedBatches : IBatches
{
    private readonly BatchOrder[] _orders;
    private readonly RowRun[] _runs;
    private readonly PartsGradient _gradient;
    private readonly AllReduce _job;

    /// <param name="rows">The rows.</param>
    /// <param name="plan">Their batches.</param>
    /// <param name="runLength">See <see cref="BatchOrder"/>.</param>
    /// <param name="settings">Whether the order is random, and its seed.</param>
    /// <param name="gradient">Of this process's parts; this object disposes of it.</param>
    /// <param name="job">Adds up over all parts.</param>
    public DividedBatches(RowSet rows, TrainingPlan plan, int runLength, PlanSettings settings, PartsGradient gradient, AllReduce job)
    {
        _gradient = gradient;
        _job = job;
        _orders = new BatchOrder[rows.Parts.Count];
        _runs = new RowRun[_orders.Length];
        // Where a part's rows do not divide evenly some of its runs are longer by a row: the batches after those that the parts before made longer.
        long longBefore = rows.RowCounts.Take(rows.FirstPart).Sum(count => count % plan.StepsPerEpoch);
        for (int part = 0; part < _orders.Length; part++)
        {
            long count = rows.Parts[part].RowCount;
            var share = new PartOfBatches(rows.FirstPart + part, count, plan.StepsPerEpoch, (int)(longBefore % plan.StepsPerEpoch));
            _orders[part] = new BatchOrder(share, runLength, settings.Shuffle, settings.Seed);
            longBefore += count % plan.StepsPerEpoch;
        }
    }

    public int Count => _orders[0].BatchCount;

    public int NumberOfThreads => _gradient.NumberOfThreads;

    public void Begin(int epoch)
    {
        foreach (BatchOrder order in _orders)
            order.Begin(epoch);
    }

    public BatchSum Compute(int position)
    {
        bool beginsRun = _gradient.IsInFile && position % _orders[0].RunLength == 0;
        for (int part = 0; part < _runs.Length; part++)
        {
            if (beginsRun)
                _orders[part].ExpectNextRun(position, _gradient.Part(part).PrefetchRing);
            _runs[part] = _orders[part].Batch(position);
        }
        return _job.Reduce(_gradient.Compute(_runs));
    }

    public void Leave() => _job.Leave();

    public void Dispose() => _gradient.Dispose();
}

/// <summary>The mini-batches of an epoch, and what each adds up to over all processes.</summary>
internal interface IBatches : IDisposable
{
    /// <summary>Batches, that is steps, in an epoch.</summary>
    int Count { get; }

    int NumberOfThreads { get; }

    /// <summary>Sets the order of an epoch, counted from 0.</summary>
    void Begin(int epoch);

    /// <summary>Adds up the batch at a position of the epoch, at the current parameters.</summary>
    /// <returns>The sums; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled, here or in another process.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed.</exception>
    BatchSum Compute(int position);

    /// <summary>Lets the other processes know in their next <see cref="Compute"/> that this one computes no further batch.</summary>
    void Leave();
}

/// <summary>
/// Which rows make which mini-batch in an epoch: a pure function of seed and epoch.
/// </summary>
/// <remarks>
/// The stored rows of a part, already in random order, are taken as a ring. Each epoch cuts the ring into near-equal runs, one for each batch,
/// beginning at a random row, so no two epochs have the same batches, and visits them in random order, the same for all parts. Batches that
/// follow one another in memory stay together in runs of <c>runLength</c>, so a large store is read mostly in sequence.
/// </remarks>
internal sealed class BatchOrder
{
    private readonly PartOfBatches _part;
    private readonly bool _shuffle;
    private readonly int _seed;
    private readonly int _runLength;
    private readonly int[] _runs;
    private readonly int[] _batches;
    /// <summary>The row at which the epoch's first batch begins.</summary>
    private long _phase;

    public BatchOrder(PartOfBatches part, int runLength, bool shuffle, int seed)
    {
        _part = part;
        _shuffle = shuffle;
        _seed = seed;
        _runLength = runLength;
        _batches = new int[BatchCount];
        _runs = new int[Divide.RoundUp(BatchCount, runLength)];
        Begin(epoch: 0);
    }

    /// <summary>Batches, that is steps, in an epoch.</summary>
    public int BatchCount => _part.BatchCount;

    /// <summary>Batches that are next to each other, for the most part.</summary>
    public int RunLength => _runLength;

    /// <summary>Sets the order of an epoch, counted from 0.</summary>
    public void Begin(int epoch)
    {
        for (int run = 0; run < _runs.Length; run++)
            _runs[run] = run;
        if (_shuffle)
        {
            var random = new SeededRandom(_seed, RandomStream.BatchOrder, epoch);
            random.Shuffle<int>(_runs);
            // The shuffle takes the numbers from 1 on.
            _phase = random.Below(-_part.Number, _part.RowCount);
        }
        int position = 0;
        foreach (int run in _runs)
        {
            int end = Math.Min((run + 1) * _runLength, BatchCount);
            for (int batch = run * _runLength; batch < end; batch++)
                _batches[position++] = batch;
        }
    }

    /// <summary>The part's rows in the batch at a position of the epoch; they may run over the end of the ring.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RowRun Batch(int position)
    {
        int batch = _batches[position];
        long start = _part.Boundary(batch);
        long first = _phase + start;
        return new(first < _part.RowCount ? first : first - _part.RowCount, (int)(_part.Boundary(batch + 1) - start));
    }

    /// <summary>Says what comes after the run that begins at a position, joining batches that are side by side.</summary>
    public void ExpectNextRun(int position, Action<long, long> expect)
    {
        int end = (int)Math.Min(position + 2L * RunLength, BatchCount);
        for (int next = position == 0 ? 0 : position + RunLength; next < end;)
        {
            (long first, int ofBatch) = Batch(next);
            long count = ofBatch;
            while (++next < end && Batch(next) is var (row, more) && row == first + count)
                count += more;
            expect(first, count);
        }
    }
}

/// <summary>How the rows of one part are divided among the batches of an epoch.</summary>
/// <param name="Number">The part's number in the job.</param>
/// <param name="RowCount">Its rows.</param>
/// <param name="BatchCount">Batches of an epoch.</param>
/// <param name="FirstLong">The first of the batches that have one of its rows more than the others, should the rows not divide evenly; those after it
/// follow, beyond the last batch those from the first on.</param>
internal readonly record struct PartOfBatches(int Number, long RowCount, int BatchCount, int FirstLong)
{
    // Asked for in every step: a division takes as long as all the rest.
    private readonly long _shortRun = RowCount / BatchCount;
    private readonly long _longRuns = RowCount % BatchCount;
    private readonly long _longAtTheFirst = Math.Max(FirstLong + RowCount % BatchCount - BatchCount, 0);

    /// <summary>Where the rows of a batch begin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Boundary(long batch) =>
        batch * _shortRun + Math.Min(Math.Max(batch - FirstLong, 0), _longRuns) + Math.Min(batch, _longAtTheFirst);
}
