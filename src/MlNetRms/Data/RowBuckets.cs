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

    /// <param name="pool">Where the memory comes from; <see cref="Drain"/> returns it, the caller disposes of it.</param>
    /// <param name="featureCount">Values of a dense row.</param>
    /// <param name="shuffle">Whether <see cref="Drain"/> visits the rows in random order.</param>
    /// <param name="seed">Seed of that order.</param>
    public RowBuckets(ChunkPool pool, int featureCount, bool shuffle, int seed)
    {
        _seed = seed;
        _deal = shuffle ? new SeededRandom(seed, RandomStream.Bucket) : null;
        _buckets = new RowBucket[shuffle ? 1 << BucketBits : 1];
        for (int i = 0; i < _buckets.Length; i++)
            _buckets[i] = new RowBucket(pool, featureCount);
    }

    public long RowCount { get; private set; }

    /// <summary>Sum of the example weights.</summary>
    public double TotalWeight { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Row row)
    {
        TotalWeight += row.Weight;
        int bucket = _deal is { } deal ? (int)(deal.Bits(RowCount) >> (64 - BucketBits)) : 0;
        RowCount++;
        _buckets[bucket].Add(row);
    }

    /// <summary>Calls <paramref name="visit"/> for every row in shuffled order and returns each bucket's memory to the pool once it has been visited.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Drain(RowVisitor visit, CancellationToken cancellation)
    {
        RecordPosition[] records = [];
        for (int bucket = 0; bucket < _buckets.Length; bucket++)
        {
            if (_deal is null)
                _buckets[bucket].DrainInOrder(visit, cancellation);
            else
                _buckets[bucket].DrainShuffled(new SeededRandom(_seed, RandomStream.RowOrder, bucket), visit, ref records, cancellation);
        }
    }
}
