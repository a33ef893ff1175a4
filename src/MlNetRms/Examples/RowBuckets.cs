using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlNetRms.Examples;

/// <summary>
/// Rows as they are read, dealt out at random to a fixed number of buckets. A bucket is small enough to be shuffled
/// in the cache, and all buckets shuffled one after the other are a uniform shuffle of all rows (Rao 1961,
/// Sandelius 1962). Without shuffling there is one bucket, in the order of arrival.
/// </summary>
/// <remarks>
/// A row is a record of 32-bit words: the number of values (−1 for a dense row), the values of a dense row, or the
/// indices and then the values of a sparse one, then label and example weight. Records never cross a chunk's end.
/// </remarks>
internal sealed class RowBuckets
{
    private const int BucketBits = 6;
    private const int HeaderWords = 1;
    private const int TrailerWords = 2;
    private readonly ChunkPool _pool;
    private readonly int _featureCount;
    private readonly SeededRandom? _deal;
    private readonly int _seed;
    private readonly Bucket[] _buckets;
    private RecordPosition[] _records = [];

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

    /// <summary>Sum of the example weights.</summary>
    public double TotalWeight { get; private set; }

    /// <summary>Floats that <see cref="AddDense"/> takes: the values, label and example weight.</summary>
    public static int DenseRowLength(int featureCount) => featureCount + TrailerWords;

    /// <summary>Adds a dense row: its values, label and example weight.</summary>
    public void AddDense(ReadOnlySpan<float> row) => row.CopyTo(Append(valueCount: -1, row.Length, weight: row[^1]));

    public void AddSparse(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, float label, float weight)
    {
        Span<float> row = Append(values.Length, 2 * values.Length + TrailerWords, weight);
        indices.CopyTo(MemoryMarshal.Cast<float, int>(row));
        values.CopyTo(row[values.Length..]);
        row[^2] = label;
        row[^1] = weight;
    }

    private Span<float> Append(int valueCount, int words, float weight)
    {
        TotalWeight += weight;
        Bucket bucket = _buckets[_deal is { } deal ? (int)(deal.Bits(RowCount) >> (64 - BucketBits)) : 0];
        RowCount++;
        Span<float> record = bucket.Append(_pool, HeaderWords + words);
        MemoryMarshal.Cast<float, int>(record)[0] = valueCount;
        return record[HeaderWords..];
    }

    /// <summary>Calls <paramref name="visit"/> for every row of a bucket in its shuffled order, then gives its memory back.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Drain(int bucket, RowVisitor visit, CancellationToken cancellation)
    {
        Bucket source = _buckets[bucket];
        Span<RecordPosition> records = source.Records(_featureCount, ref _records);
        if (_deal is not null)
            new SeededRandom(_seed, RandomStream.RowOrder, bucket).Shuffle(records);
        foreach (RecordPosition position in records)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> record = source.Chunk(position.Chunk).Words[position.Start..];
            int valueCount = MemoryMarshal.Cast<float, int>(record)[0];
            int words = PayloadWords(valueCount, _featureCount);
            ReadOnlySpan<float> payload = record.Slice(HeaderWords, words);
            float label = record[HeaderWords + words];
            float weight = record[HeaderWords + words + 1];
            if (valueCount < 0)
                visit([], payload, isDense: true, label, weight);
            else
                visit(MemoryMarshal.Cast<float, int>(payload)[..valueCount], payload[valueCount..], isDense: false, label, weight);
        }
        source.Release(_pool);
    }

    private static int PayloadWords(int valueCount, int featureCount) => valueCount < 0 ? featureCount : 2 * valueCount;

    public delegate void RowVisitor(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, bool isDense, float label, float weight);

    private readonly record struct RecordPosition(int Chunk, int Start);

    private sealed class Bucket
    {
        private readonly List<(Chunk Chunk, int UsedWords)> _full = [];
        private Chunk? _open;
        private int _used;
        private int _rows;

        public Chunk Chunk(int index) => index < _full.Count ? _full[index].Chunk : _open!;

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

        /// <summary>Where the records stand, in the order of arrival; in an array that all buckets share.</summary>
        public Span<RecordPosition> Records(int featureCount, ref RecordPosition[] records)
        {
            if (records.Length < _rows)
                records = new RecordPosition[_rows + _rows / 8];
            int count = 0;
            for (int chunk = 0; count < _rows; chunk++)
            {
                ReadOnlySpan<int> words = Chunk(chunk).Integers;
                int usedWords = chunk < _full.Count ? _full[chunk].UsedWords : _used;
                for (int start = 0; start < usedWords; start += HeaderWords + PayloadWords(words[start], featureCount) + TrailerWords)
                    records[count++] = new RecordPosition(chunk, start);
            }
            return records.AsSpan(0, count);
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
