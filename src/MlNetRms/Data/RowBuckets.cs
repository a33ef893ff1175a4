using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms.Data;

/// <summary>
/// Raw rows as they are read, dealt out at random to a fixed number of buckets. A bucket is small enough to be shuffled
/// in the cache, and all buckets shuffled one after the other are a uniform shuffle of all rows (Rao 1961,
/// Sandelius 1962). Without shuffling there is one bucket, in the order of arrival.
/// </summary>
internal sealed class RowBuckets
{
    private const int BucketBits = 6;
    private readonly int _seed;
    private readonly SeededRandom? _deal;
    private readonly RowBucket[] _buckets;
    private ExampleWeights _weights;

    /// <param name="chunks">Where the memory comes from; <see cref="Drain"/> gives it up, the caller disposes of it.</param>
    /// <param name="featureCount">Values of a dense row.</param>
    /// <param name="shuffle">Whether <see cref="Drain"/> visits the rows in random order.</param>
    /// <param name="seed">Seed of that order.</param>
    public RowBuckets(ChunkStore chunks, int featureCount, bool shuffle, int seed)
    {
        _seed = seed;
        _deal = shuffle ? new SeededRandom(seed, RandomStream.Bucket) : null;
        _buckets = new RowBucket[shuffle ? 1 << BucketBits : 1];
        for (int i = 0; i < _buckets.Length; i++)
            _buckets[i] = new RowBucket(chunks, featureCount);
    }

    /// <summary>Number of buckets.</summary>
    public int Count => _buckets.Length;

    public long RowCount => _weights.RowCount;

    public ExampleWeights Weights => _weights;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Row row) => Next(row.Weight).Add(row);

    /// <summary>Adds a dense row.</summary>
    /// <param name="row">Its values, label and weight.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddDense(ReadOnlySpan<float> row) => Next(row[^1]).AddDense(row);

    /// <summary>Rows of the buckets before one.</summary>
    public long RowsBefore(int bucket)
    {
        long rows = 0;
        foreach (RowBucket before in _buckets.AsSpan(0, bucket))
            rows += before.RowCount;
        return rows;
    }

    /// <summary>Calls <paramref name="visit"/> for every row of a bucket, in shuffled order, and gives its memory up.</summary>
    /// <param name="bucket">Its number.</param>
    /// <param name="visit">Takes the rows.</param>
    /// <param name="scratch">Memory for the order, made longer where it is too short.</param>
    /// <param name="cancellation">Ends the visits.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Drain(int bucket, RowVisitor visit, ref RecordPosition[] scratch, CancellationToken cancellation)
    {
        if (_deal is null)
            _buckets[bucket].DrainInOrder(visit, cancellation);
        else
            _buckets[bucket].DrainShuffled(new SeededRandom(_seed, RandomStream.RowOrder, bucket), visit, ref scratch, cancellation);
    }

    /// <summary>The bucket for the next row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RowBucket Next(float weight)
    {
        int bucket = _deal is { } deal ? (int)(deal.Bits(RowCount) >> (64 - BucketBits)) : 0;
        _weights.Add(weight);
        return _buckets[bucket];
    }
}
