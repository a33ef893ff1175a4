using System.Runtime.InteropServices;

namespace MlNetRms.Examples;

/// <summary>
/// Rows as they are read, dealt out at random to a fixed number of buckets. A bucket is small enough to be shuffled
/// in the cache, and all buckets shuffled one after the other are a uniform shuffle of all rows (Rao 1961,
/// Sandelius 1962). Without shuffling there is one bucket, in the order of arrival.
/// </summary>
/// <remarks>
/// A row is a record of 32-bit words: the number of values (−1 for a dense row), label, example weight, then the
/// values of a dense row, or the indices and then the values of a sparse one. Records never cross a chunk's end.
/// </remarks>
internal sealed class RowBuckets
{
    private const int BucketBits = 6;
    private const int HeaderWords = 3;
    private readonly ChunkPool _pool;
    private readonly int _featureCount;
    private readonly SeededRandom? _deal;
    private readonly int _seed;
    private readonly Bucket[] _buckets;

    public RowBuckets(ChunkPool pool, int featureCount, bool shuffle, int seed)
    {
        _pool = pool;
        _featureCount = featureCount;
        _seed = seed;
        _deal = shuffle ? new SeededRandom(seed, RandomStream.Bucket) : null;
        _buckets = new Bucket[shuffle ? 1 << BucketBits : 1];
        for (int i = 0; i < _buckets.Length; i++)
            _buckets[i] = new Bucket();
    }

    public long RowCount { get; private set; }

    public int Count => _buckets.Length;

    /// <summary>Words of one dense row, for choosing the length of chunks.</summary>
    public static long DenseRecordWords(int featureCount) => HeaderWords + (long)featureCount;

    public void AddDense(ReadOnlySpan<float> values, float label, float weight) =>
        values.CopyTo(Append(valueCount: -1, values.Length, label, weight));

    public void AddSparse(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, float label, float weight)
    {
        Span<float> payload = Append(values.Length, 2 * values.Length, label, weight);
        indices.CopyTo(MemoryMarshal.Cast<float, int>(payload));
        values.CopyTo(payload[values.Length..]);
    }

    private Span<float> Append(int valueCount, int payloadWords, float label, float weight)
    {
        Bucket bucket = _buckets[_deal is { } deal ? (int)(deal.Bits(RowCount) >> (64 - BucketBits)) : 0];
        RowCount++;
        Span<float> record = bucket.Append(_pool, HeaderWords + payloadWords);
        MemoryMarshal.Cast<float, int>(record)[0] = valueCount;
        record[1] = label;
        record[2] = weight;
        return record[HeaderWords..];
    }

    /// <summary>Calls <paramref name="visit"/> for every row of a bucket in its shuffled order, then gives its memory back.</summary>
    public void Drain(int bucket, RowVisitor visit)
    {
        List<RecordPosition> records = _buckets[bucket].Records(_featureCount);
        if (_deal is not null)
            new SeededRandom(_seed, RandomStream.RowOrder, bucket).Shuffle(CollectionsMarshal.AsSpan(records));
        foreach (RecordPosition position in records)
        {
            ReadOnlySpan<float> record = position.Chunk.Words[position.Start..];
            int valueCount = MemoryMarshal.Cast<float, int>(record)[0];
            ReadOnlySpan<float> payload = record[HeaderWords..];
            if (valueCount < 0)
                visit([], payload[.._featureCount], isDense: true, label: record[1], weight: record[2]);
            else
                visit(MemoryMarshal.Cast<float, int>(payload)[..valueCount], payload.Slice(valueCount, valueCount),
                    isDense: false, label: record[1], weight: record[2]);
        }
        _buckets[bucket].Release(_pool);
    }

    public delegate void RowVisitor(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, bool isDense, float label, float weight);

    private readonly record struct RecordPosition(Chunk Chunk, int Start);

    private sealed class Bucket
    {
        private readonly List<(Chunk Chunk, int UsedWords)> _full = [];
        private Chunk? _open;
        private int _used;
        private int _rows;

        public Span<float> Append(ChunkPool pool, int words)
        {
            if (_open is null || _open.Length - _used < words)
            {
                if (_open is not null)
                    _full.Add((_open, _used));
                _open = pool.Rent(words);
                _used = 0;
            }
            Span<float> record = _open.Words.Slice(_used, words);
            _used += words;
            _rows++;
            return record;
        }

        public List<RecordPosition> Records(int featureCount)
        {
            var records = new List<RecordPosition>(_rows);
            foreach ((Chunk chunk, int usedWords) in _full)
                AddRecords(chunk, usedWords, featureCount, records);
            if (_open is not null)
                AddRecords(_open, _used, featureCount, records);
            return records;
        }

        private static void AddRecords(Chunk chunk, int usedWords, int featureCount, List<RecordPosition> records)
        {
            Span<int> words = chunk.Integers;
            for (int start = 0; start < usedWords;)
            {
                records.Add(new RecordPosition(chunk, start));
                int valueCount = words[start];
                start += HeaderWords + (valueCount < 0 ? featureCount : 2 * valueCount);
            }
        }

        public void Release(ChunkPool pool)
        {
            foreach ((Chunk chunk, _) in _full)
                pool.Return(chunk);
            if (_open is not null)
                pool.Return(_open);
            _full.Clear();
            _open = null;
        }
    }
}
