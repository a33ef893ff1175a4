using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

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

/// <summary>
/// Raw rows as records of 32-bit words, one after the other in chunks: the number of values (or that the row is dense), the
/// values of a dense row, or the indices and then the values of a sparse one, then label and example weight. Records
/// never cross a chunk's end.
/// </summary>
internal sealed class RowBucket(ChunkStore chunks, int featureCount)
{
    private const int HeaderWords = 1;
    private const int TrailerWords = 2;

    /// <summary>Of a longer row the rest is read in sequence, which the hardware sees.</summary>
    private const int MostPrefetched = 128;

    /// <summary>So many rows are on their way from memory at once.</summary>
    private const int Ahead = 6;

    /// <summary>In place of the number of values.</summary>
    private const int DenseMarker = -1;

    private readonly ChunkSequence _sequence = new();
    private readonly List<(StoredChunk Chunk, int UsedWords)> _full = [];
    private StoredChunk? _open;
    private int _used;

    public long RowCount { get; private set; }

    /// <summary>Words of a dense row's record.</summary>
    public static long DenseRecordWords(int featureCount) => (long)HeaderWords + featureCount + TrailerWords;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Row row)
    {
        int valueCount = row.Values.Length;
        Span<float> record = NewRecord(HeaderWords + row.Indices.Length + valueCount + TrailerWords, row.IsDense ? DenseMarker : valueCount);
        Span<float> payload = record[HeaderWords..];
        row.Indices.CopyTo(MemoryMarshal.Cast<float, int>(payload));
        row.Values.CopyTo(payload[row.Indices.Length..]);
        record[^2] = row.Label;
        record[^1] = row.Weight;
    }

    /// <summary>Adds a dense row.</summary>
    /// <param name="row">Its values, label and weight.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddDense(ReadOnlySpan<float> row) => row.CopyTo(NewRecord(HeaderWords + row.Length, DenseMarker)[HeaderWords..]);

    /// <summary>Visits the rows in the order of arrival; a chunk is given up as soon as its rows have been visited.</summary>
    public void DrainInOrder(RowVisitor visit, CancellationToken cancellation)
    {
        Close();
        foreach ((StoredChunk chunk, int usedWords) in _full)
        {
            chunks.Pin(chunk);
            ReadOnlySpan<float> words = chunk.Memory!.Words;
            for (int start = 0; start < usedWords; start += RecordWords(words[start..]))
            {
                cancellation.ThrowIfCancellationRequested();
                visit(Record(words[start..]));
            }
            chunks.Return(chunk);
        }
        _full.Clear();
    }

    /// <summary>Visits the rows in random order, then gives the chunks up.</summary>
    /// <param name="random">The order.</param>
    /// <param name="visit">Takes the rows.</param>
    /// <param name="records">Scratch memory, made longer where it is too short.</param>
    /// <param name="cancellation">Ends the visits.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void DrainShuffled(SeededRandom random, RowVisitor visit, ref RecordPosition[] records, CancellationToken cancellation)
    {
        Close();
        foreach ((StoredChunk chunk, _) in _full)
            chunks.Pin(chunk);
        Span<RecordPosition> order = Positions(ref records);
        random.Shuffle(order);
        int prefetched = (int)Math.Min(DenseRecordWords(featureCount), MostPrefetched);
        for (int i = 0; i < order.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (i + Ahead < order.Length)
            {
                ReadOnlySpan<float> later = Words(order[i + Ahead]);
                Prefetch.Soon(later[..Math.Min(prefetched, later.Length)]);
            }
            visit(Record(Words(order[i])));
        }
        foreach ((StoredChunk chunk, _) in _full)
            chunks.Return(chunk);
        _full.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadOnlySpan<float> Words(RecordPosition position) => _full[position.Chunk].Chunk.Memory!.Words[position.Start..];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Span<float> NewRecord(int words, int header)
    {
        if (_open is null || _open.Length - _used < words)
        {
            Close();
            _open = chunks.Rent(words, _sequence);
        }
        Span<float> record = _open.Memory!.Words.Slice(_used, words);
        // Where this bucket's next row will most likely go: it is one of many buckets, and their memory is not in the cache.
        Prefetch.Beyond(record, offset: 0, Math.Min(words, MostPrefetched));
        MemoryMarshal.Cast<float, int>(record)[0] = header;
        _used += words;
        RowCount++;
        return record;
    }

    private void Close()
    {
        if (_open is not null)
        {
            _full.Add((_open, _used));
            chunks.Unpin(_open);
        }
        _open = null;
        _used = 0;
    }

    /// <summary>Where the records begin, in the order of arrival.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Span<RecordPosition> Positions(ref RecordPosition[] records)
    {
        if (records.Length < RowCount)
            records = new RecordPosition[checked((int)(RowCount + RowCount / 8))];
        int count = 0;
        for (int chunk = 0; chunk < _full.Count; chunk++)
        {
            ReadOnlySpan<float> words = _full[chunk].Chunk.Memory!.Words;
            for (int start = 0; start < _full[chunk].UsedWords; start += RecordWords(words[start..]))
                records[count++] = new RecordPosition(chunk, start);
        }
        return records.AsSpan(0, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int PayloadWords(int header) => header == DenseMarker ? featureCount : 2 * header;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RecordWords(ReadOnlySpan<float> record) => HeaderWords + PayloadWords(Header(record)) + TrailerWords;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Row Record(ReadOnlySpan<float> record)
    {
        int header = Header(record);
        int words = PayloadWords(header);
        ReadOnlySpan<float> payload = record.Slice(HeaderWords, words);
        float label = record[HeaderWords + words];
        float weight = record[HeaderWords + words + 1];
        return header == DenseMarker
            ? new Row([], payload, label, weight)
            : new Row(MemoryMarshal.Cast<float, int>(payload)[..header], payload[header..], label, weight);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Header(ReadOnlySpan<float> record) => MemoryMarshal.Cast<float, int>(record)[0];
}

/// <summary>Where a row's record begins: the number of its chunk, and the word within it.</summary>
internal readonly record struct RecordPosition(int Chunk, int Start);

/// <summary>Takes a row; it is valid during the call only.</summary>
internal delegate void RowVisitor(in Row row);
