using MlNetRms.Kernels;

namespace MlNetRms.Training;

/// <summary>
/// Which rows make which mini-batch in an epoch: a pure function of seed and epoch.
/// </summary>
/// <remarks>
/// The stored rows, already in random order, are taken as a ring. Each epoch cuts the ring into near-equal batches
/// beginning at a random row, so no two epochs have the same batches, and visits them in random order. Batches that
/// follow one another in memory stay together in runs of <c>runLength</c>, so a large store is read mostly in sequence.
/// </remarks>
internal sealed class BatchOrder
{
    private readonly long _rowCount;
    private readonly bool _shuffle;
    private readonly int _seed;
    private readonly int _runLength;
    private readonly long _shortBatch;
    private readonly long _longBatches;
    private readonly int[] _runs;
    private readonly int[] _batches;
    /// <summary>The row at which the epoch's first batch begins.</summary>
    private long _phase;

    public BatchOrder(long rowCount, int batchSize, int runLength, bool shuffle, int seed)
    {
        _rowCount = rowCount;
        _shuffle = shuffle;
        _seed = seed;
        _runLength = runLength;
        BatchCount = checked((int)Divide.RoundUp(rowCount, batchSize));
        (_shortBatch, _longBatches) = Math.DivRem(rowCount, BatchCount);
        _runs = new int[Divide.RoundUp(BatchCount, runLength)];
        _batches = new int[BatchCount];
        Begin(epoch: 0);
    }

    /// <summary>Batches, that is steps, in an epoch.</summary>
    public int BatchCount { get; }

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
            _phase = random.Below(0, _rowCount);
        }
        int position = 0;
        foreach (int run in _runs)
        {
            int end = Math.Min((run + 1) * _runLength, BatchCount);
            for (int batch = run * _runLength; batch < end; batch++)
                _batches[position++] = batch;
        }
    }

    /// <summary>The first row and the number of rows of the batch at a position of the epoch; it may run over the end of the ring.</summary>
    public (long First, int Count) Batch(int position)
    {
        int batch = _batches[position];
        long start = Boundary(batch);
        long first = _phase + start;
        return (first < _rowCount ? first : first - _rowCount, (int)(Boundary(batch + 1) - start));
    }

    /// <summary>The first batches are longer by one row, as many as the division leaves over.</summary>
    private long Boundary(int batch) => batch * _shortBatch + Math.Min(batch, _longBatches);
}
