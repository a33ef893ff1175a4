using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;

namespace MlNetRms.Rows;

/// <summary>
/// Raw rows, dealt at random into a fixed number of buckets as they are read. A bucket is small enough to be shuffled
/// in the cache, and all buckets shuffled one after the other are a uniform shuffle of all rows (Rao 1961,
/// Sandelius 1962). Without shuffling there is one bucket, in the order of reading.
/// </summary>
/// <remarks>
/// <para>
/// A row is a record of 32-bit words: the number of values (or that the row is dense), the values of a dense row, or the indices and then the values
/// of a sparse one, then label and example weight. Records never cross a block's end.
/// </para>
/// <para>
/// A bucket begins with one short block. A full block is replaced by a longer one until it is as long as a page; after that it is kept, and another
/// page begins. A bucket that gets no more memory writes its last block to the file and fills it again.
/// </para>
/// </remarks>
internal sealed class RowBuckets
{
    private const int BucketBits = 6;
    private const int HeaderWords = 1;
    private const int TrailerWords = 2;

    /// <summary>Stored instead of the number of values.</summary>
    private const int DenseMarker = -1;

    /// <summary>Words prefetched; the hardware itself prefetches the rest of a longer row, which is read in sequence.</summary>
    private const int MostPrefetched = 128;

    /// <summary>This many rows are prefetched at once.</summary>
    private const int Ahead = 6;

    /// <summary>A bucket begins with room for this many rows, as long as they are short.</summary>
    private const int FirstRows = 4;
    private const int LongestFirstBlock = 64;

    /// <summary>A block of 8 KiB is rented whatever the limit: shorter ones would take longer to write than to fill.</summary>
    private const int AlwaysRented = 1 << 11;

    private readonly RowMemory _memory;
    private readonly int _featureCount;
    private readonly int _seed;
    private readonly SeededRandom? _deal;
    private readonly Bucket[] _buckets;
    private ExampleWeights _weights;

    /// <param name="memory">Holds the rows; <see cref="Drain"/> returns their memory to it, the caller disposes of it.</param>
    /// <param name="featureCount">Values of a dense row.</param>
    /// <param name="shuffle">Whether <see cref="Drain"/> visits the rows in random order.</param>
    /// <param name="seed">Seed of that order.</param>
    public RowBuckets(RowMemory memory, int featureCount, bool shuffle, int seed)
    {
        _memory = memory;
        _featureCount = featureCount;
        _seed = seed;
        _deal = shuffle ? new SeededRandom(seed, RandomStream.Bucket) : null;
        _buckets = new Bucket[shuffle ? 1 << BucketBits : 1];
        for (int i = 0; i < _buckets.Length; i++)
            _buckets[i] = new Bucket();
    }

    /// <summary>Number of buckets.</summary>
    public int Count => _buckets.Length;

    public long RowCount => _weights.RowCount;

    public ExampleWeights Weights => _weights;

    /// <summary>Words of a dense row's record.</summary>
    public static long DenseRecordWords(int featureCount) => (long)HeaderWords + featureCount + TrailerWords;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(in Row row)
    {
        int valueCount = row.Values.Length;
        int words = HeaderWords + row.Indices.Length + valueCount + TrailerWords;
        Span<float> record = NewRecord(row.Weight, words, row.IsDense ? DenseMarker : valueCount);
        Span<float> payload = record[HeaderWords..];
        row.Indices.CopyTo(MemoryMarshal.Cast<float, int>(payload));
        row.Values.CopyTo(payload[row.Indices.Length..]);
        record[^2] = row.Label;
        record[^1] = row.Weight;
    }

    /// <summary>Adds a dense row.</summary>
    /// <param name="row">Its values, label and weight.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddDense(ReadOnlySpan<float> row) => row.CopyTo(NewRecord(row[^1], HeaderWords + row.Length, DenseMarker)[HeaderWords..]);

    /// <summary>Ends the adding, and writes what the buckets hold beyond the limit to the file.</summary>
    /// <exception cref="IOException">There is no room for the file.</exception>
    public void Complete()
    {
        foreach (Bucket bucket in _buckets)
        {
            if (!_memory.IsOverLimit)
                return;
            if (bucket.Last is not { } last)
                continue;
            WriteLast(bucket, leastWords: 0);
            _memory.Return(last);
            bucket.Last = null;
        }
    }

    /// <summary>Rows of the buckets before one.</summary>
    public long RowsBefore(int bucket)
    {
        long rows = 0;
        foreach (Bucket before in _buckets.AsSpan(0, bucket))
            rows += before.RowCount;
        return rows;
    }

    /// <summary>Calls <paramref name="visit"/> for every row of a bucket, in shuffled order, and returns its memory.</summary>
    /// <param name="number">The bucket's number.</param>
    /// <param name="visit">Takes the rows.</param>
    /// <param name="scratch">Memory for the order, made longer if it is too short.</param>
    /// <param name="cancellation">Ends the visits.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public void Drain(int number, RowVisitor visit, ref RecordPosition[] scratch, CancellationToken cancellation)
    {
        Bucket bucket = _buckets[number];
        if (bucket.RowCount == 0)
            return;
        if (bucket.Last is { } last)
            bucket.Full.Add(last);
        Span<Block> blocks = CollectionsMarshal.AsSpan(bucket.Full);
        if (_deal is null)
            DrainInOrder(blocks, visit, cancellation);
        else
            DrainShuffled(blocks, Order(bucket, ref scratch), new SeededRandom(_seed, RandomStream.RowOrder, number), visit, cancellation);
        bucket.Clear();
    }

    /// <summary>Returns each block as soon as its rows have been visited.</summary>
    private void DrainInOrder(ReadOnlySpan<Block> blocks, RowVisitor visit, CancellationToken cancellation)
    {
        foreach (Block stored in blocks)
        {
            Block block = _memory.Load(stored);
            ReadOnlySpan<float> words = block.Words[..block.Used];
            for (int start = 0; start < words.Length; start += RecordWords(words[start..]))
            {
                cancellation.ThrowIfCancellationRequested();
                visit(Record(words[start..]));
            }
            _memory.Return(block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DrainShuffled(Span<Block> blocks, Span<RecordPosition> order, SeededRandom random, RowVisitor visit, CancellationToken cancellation)
    {
        foreach (ref Block block in blocks)
            block = _memory.Load(block);
        FindRecords(blocks, order);
        random.Shuffle(order);
        int prefetched = (int)Math.Min(DenseRecordWords(_featureCount), MostPrefetched);
        for (int i = 0; i < order.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (i + Ahead < order.Length)
            {
                ReadOnlySpan<float> later = Words(blocks, order[i + Ahead]);
                Prefetch.Soon(later[..Math.Min(prefetched, later.Length)]);
            }
            visit(Record(Words(blocks, order[i])));
        }
        foreach (Block block in blocks)
            _memory.Return(block);
    }

    /// <summary>Room for the positions of a bucket's rows.</summary>
    private static Span<RecordPosition> Order(Bucket bucket, ref RecordPosition[] scratch)
    {
        if (scratch.Length < bucket.RowCount)
            scratch = new RecordPosition[checked((int)(bucket.RowCount + bucket.RowCount / 8))];
        return scratch.AsSpan(0, (int)bucket.RowCount);
    }

    /// <summary>Lists where the records begin, in the order of reading.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindRecords(ReadOnlySpan<Block> blocks, Span<RecordPosition> records)
    {
        int count = 0;
        for (int block = 0; block < blocks.Length; block++)
        {
            ReadOnlySpan<float> words = blocks[block].Words[..blocks[block].Used];
            for (int start = 0; start < words.Length; start += RecordWords(words[start..]))
                records[count++] = new RecordPosition(block, start);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ReadOnlySpan<float> Words(ReadOnlySpan<Block> blocks, RecordPosition position) => blocks[position.Block].Words[position.Start..];

    /// <summary>Room for the next row, in the bucket that it is dealt to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Span<float> NewRecord(float weight, int words, int header)
    {
        Bucket bucket = _buckets[_deal is { } deal ? (int)(deal.Bits(RowCount) >> (64 - BucketBits)) : 0];
        _weights.Add(weight);
        Block? block = bucket.Last;
        if (block is null || block.Length - block.Used < words)
            block = MakeRoom(bucket, words);
        Span<float> record = block.Words.Slice(block.Used, words);
        // The next row of this bucket will most likely go there. With this many buckets their memory is not in the cache.
        Prefetch.Beyond(record, offset: 0, Math.Min(words, MostPrefetched));
        MemoryMarshal.Cast<float, int>(record)[0] = header;
        block.Used += words;
        bucket.RowCount++;
        return record;
    }

    private Block MakeRoom(Bucket bucket, int words)
    {
        _memory.FitPages(words);
        Block? last = bucket.Last;
        // Up to the length of a page, the words are copied to a longer block, so that a bucket holds little more than its rows.
        int kept = last is not null && last.Used + words <= _memory.PageWords ? last.Used : 0;
        int length = last is not null && kept == 0 && words <= _memory.PageWords / 2 ? _memory.PageWords : BlockLength(kept, words);
        Block? next = last is null || length <= AlwaysRented ? _memory.Rent(length) : _memory.TryRent(length);
        if (next is null)
        {
            WriteLast(bucket, _memory.PageWords);
            if (last!.Length >= words)
                return last;
            _memory.Return(last);
            next = _memory.Rent(BlockLength(kept: 0, words));
        }
        else if (kept > 0)
        {
            last!.Words[..kept].CopyTo(next.Words);
            next.Used = kept;
            _memory.Return(last);
        }
        else if (last is not null)
        {
            bucket.Full.Add(last);
        }
        bucket.Last = next;
        return next;
    }

    /// <summary>The length of a block for words and a row. There are few different lengths, so that a returned block fits another bucket.</summary>
    private int BlockLength(int kept, int words)
    {
        // A bucket begins with room for a few rows.
        int wanted = Math.Max(kept + words, kept > 0 ? kept + kept / 2 : Math.Min(FirstRows * words, LongestFirstBlock));
        if (wanted > _memory.PageWords / 2)
            return kept > 0 ? _memory.PageWords : words;        // a long row has a block of its own
        int step = Math.Max(RowMemory.CacheLineWords, (int)BitOperations.RoundUpToPowerOf2((uint)wanted) / 16);
        return Divide.RoundUp(wanted, step) * step;
    }

    /// <summary>Writes a bucket's last block behind what it has in the file, and empties it.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="leastWords">Length of a new block in the file, for more to come.</param>
    private void WriteLast(Bucket bucket, int leastWords)
    {
        Block last = bucket.Last!;
        Block? inFile = bucket.Full is [.., { IsInFile: true } block] ? block : null;
        if (inFile is null || inFile.Length - inFile.Used < last.Used)
            bucket.Full.Add(inFile = _memory.RentInFile(Math.Max(leastWords, last.Used)));
        _memory.Write(inFile, inFile.Used, last.Words[..last.Used]);
        inFile.Used += last.Used;
        last.Used = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int PayloadWords(int header) => header == DenseMarker ? _featureCount : 2 * header;

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

    private sealed class Bucket
    {
        private List<Block>? _full;

        /// <summary>Its blocks in the order of reading, without the last one.</summary>
        public List<Block> Full => _full ??= [];

        /// <summary>The block that its next row goes to.</summary>
        public Block? Last { get; set; }

        public long RowCount { get; set; }

        /// <summary>Forgets the blocks, but not how many rows they had.</summary>
        public void Clear() => (_full, Last) = (null, null);
    }
}

/// <summary>Where a row's record begins: the number of its block, and the word within it.</summary>
internal readonly record struct RecordPosition(int Block, int Start);

/// <summary>Takes a row; it is valid during the call only.</summary>
internal delegate void RowVisitor(in Row row);
