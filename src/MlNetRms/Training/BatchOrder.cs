using System.Runtime.CompilerServices;
using MlNetRms.Kernels;
using MlNetRms.Objective;

namespace MlNetRms.Training;

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
