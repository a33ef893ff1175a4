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
/// Chunks of which more exist than may be in memory: the others are in a temporary file and come back when they are needed. Without need there is
/// no file.
/// </summary>
/// <remarks>
/// <para>
/// A chunk that is written to, or drained in random order, is pinned. A chunk that is only read stays in memory until the thread that reads it
/// reads another one: each thread holds one for the dense and one for the sparse part of rows.
/// </para>
/// <para>
/// Rows are read in sequence again and again. So what gives way is the chunk that was given up last but one: most of the memory keeps its chunks
/// from epoch to epoch, and the others pass through a small part of it, which stays in the processor's cache. The last one is often needed again:
/// a few rows of two chunks are gone through more than once.
/// </para>
/// <para>Several threads can use it at once.</para>
/// </remarks>
internal sealed class ChunkStore : IDisposable
{
    /// <summary>Somewhat longer than a chunk takes to come from the system's cache.</summary>
    private const int SpinsBeforeSleep = 60;

    private readonly ChunkPool _pool;
    private readonly Func<ISpillFile> _openFile;
    private readonly long _mostWords;
    private readonly FilePlaces _places;
    private readonly object _lock = new();
    private readonly LinkedList<StoredChunk> _movable = [];
    private readonly ThreadLocal<StoredChunk?[]> _held = new(() => new StoredChunk?[2]);
    private readonly List<StoredChunk> _kept = [];
    private readonly ChunkSequence _others = new();
    private volatile ISpillFile? _file;
    private long _words;

    /// <param name="pool">Where memory comes from; this object disposes of it.</param>
    /// <param name="memoryLimit">Bytes that may be in memory; null for all. Chunks in use may exceed it.</param>
    /// <param name="openFile">Opens the file; null for one in the system's folder of temporary files.</param>
    public ChunkStore(ChunkPool pool, long? memoryLimit = null, Func<ISpillFile>? openFile = null)
    {
        _pool = pool;
        _openFile = openFile ?? (() => new SpillFile(directory: null));
        _mostWords = memoryLimit / sizeof(float) ?? long.MaxValue;
        _places = new FilePlaces(pool.ChunkLength);
    }

    /// <summary>Words of a usual chunk.</summary>
    public int ChunkLength => _pool.ChunkLength;

    /// <summary>Most bytes of the temporary file that were in use at once.</summary>
    public long FileBytes => _places.MostUsed;

    /// <summary>Whether there is one.</summary>
    public bool HasFile => _file is not null;

    /// <summary>A new chunk, pinned.</summary>
    /// <param name="length">At least this many words.</param>
    /// <param name="sequence">The chunks it will be read with; null for none.</param>
    /// <exception cref="OutOfMemoryException">There is no more memory.</exception>
    /// <exception cref="IOException">There is no more room for the file.</exception>
    public StoredChunk Rent(int length, ChunkSequence? sequence = null)
    {
        var chunk = new StoredChunk(Math.Max(length, ChunkLength), sequence ?? _others) { Pins = 1, IsChanged = true };
        lock (_lock)
            TakeMemory(chunk);
        return chunk;
    }

    /// <summary>The words of a chunk that no thread writes to any more; valid until the calling thread reads another chunk of that part.</summary>
    /// <exception cref="IOException">The file cannot be read, or there is no more room for it.</exception>
    public ReadOnlySpan<float> Read(StoredChunk chunk, RowPart part)
    {
        // Nothing moves before there is a file, and there is none before rows are written, which pins them.
        if (_file is null)
            return chunk.Memory!.Words;
        ref StoredChunk? held = ref _held.Value![(int)part];
        if (held != chunk)
        {
            StoredChunk? before = held;
            held = null;
            Pin(chunk, before);
            held = chunk;
        }
        return chunk.Memory!.Words;
    }

    /// <summary>
    /// Says that some chunks will be read soon: the system reads those in the file into its own memory, while this process works on others.
    /// </summary>
    public void Expect(ReadOnlySpan<StoredChunk?> chunks)
    {
        long start = 0;
        long end = 0;
        foreach (StoredChunk? chunk in chunks)
        {
            if (chunk is not { Memory: null })
                continue;
            if (chunk.Position != end)
            {
                Expect(start, end);
                start = chunk.Position;
            }
            end = chunk.Position + (long)chunk.Length * sizeof(float);
        }
        Expect(start, end);
    }

    /// <summary>Brings some chunks into memory and keeps them there until the next call.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public void Keep(ReadOnlySpan<StoredChunk?> chunks)
    {
        int before = _kept.Count;
        foreach (StoredChunk? chunk in chunks)
        {
            Pin(chunk!);
            _kept.Add(chunk!);
        }
        for (int i = 0; i < before; i++)
            Unpin(_kept[i]);
        _kept.RemoveRange(0, before);
    }

    /// <summary>Keeps the words in memory until <see cref="Unpin"/>.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public void Pin(StoredChunk chunk) => Pin(chunk, before: null);

    /// <summary>The same for words that will be changed.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public void PinForWriting(StoredChunk chunk)
    {
        Pin(chunk);
        chunk.IsChanged = true;
    }

    /// <summary>Lets the words be moved to the file.</summary>
    public void Unpin(StoredChunk chunk)
    {
        lock (_lock)
        {
            UnpinLocked(chunk);
            MoveUntilFits(room: 0);
        }
    }

    /// <summary>Gives up a chunk: its memory and its place in the file can be used by others.</summary>
    public void Return(StoredChunk chunk)
    {
        lock (_lock)
        {
            Forget(chunk);
            GiveMemory(chunk);
            _places.Free(chunk);
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _pool.Dispose();
        _held.Dispose();
    }

    /// <param name="chunk">The chunk.</param>
    /// <param name="before">A chunk that is given up for it.</param>
    private void Pin(StoredChunk chunk, StoredChunk? before)
    {
        // From the system's cache it comes sooner than a thread that sleeps is awake.
        for (var wait = new SpinWait(); chunk.IsComing && wait.Count < SpinsBeforeSleep;)
            wait.SpinOnce(sleep1Threshold: -1);
        lock (_lock)
        {
            if (before is not null)
                UnpinLocked(before);
            chunk.Pins++;
            Forget(chunk);
            while (chunk.IsComing)
                Monitor.Wait(_lock);
            if (chunk.Memory is not null)
                return;
            TakeMemory(chunk);
            chunk.IsComing = true;
        }
        Load(chunk);
    }

    private void Expect(long start, long end)
    {
        if (end > start)
            _file!.Expect(start, end - start);
    }

    /// <summary>Reads the words of a chunk that has memory; others wait for them, but not for the file.</summary>
    private void Load(StoredChunk chunk)
    {
        bool hasCome = false;
        try
        {
            _file!.Read(chunk.Position, chunk.Memory!.Words);
            hasCome = true;
        }
        finally
        {
            lock (_lock)
            {
                chunk.IsComing = false;
                if (!hasCome)
                    GiveMemory(chunk);
                Monitor.PulseAll(_lock);
            }
        }
    }

    private void UnpinLocked(StoredChunk chunk)
    {
        if (--chunk.Pins == 0)
            chunk.Movable = _movable.AddLast(chunk);
    }

    private void TakeMemory(StoredChunk chunk)
    {
        MoveUntilFits(chunk.Length);
        chunk.Memory = _pool.Rent(chunk.Length);
        _words += chunk.Length;
    }

    private void GiveMemory(StoredChunk chunk)
    {
        if (chunk.Memory is null)
            return;
        _pool.Return(chunk.Memory);
        chunk.Memory = null;
        _words -= chunk.Length;
    }

    private void MoveUntilFits(int room)
    {
        while (_words + room > _mostWords && (_movable.Last?.Previous ?? _movable.Last) is { Value: var chunk })
        {
            if (chunk.IsChanged)
                Write(chunk);
            Forget(chunk);
            GiveMemory(chunk);
        }
    }

    private void Write(StoredChunk chunk)
    {
        _file ??= _openFile();
        if (chunk.Extent is null)
            _places.Take(chunk);
        try
        {
            _file.Write(chunk.Position, chunk.Memory!.Words);
        }
        catch (IOException exception)
        {
            throw new IOException(FormattableString.Invariant(
                $"The rows do not fit into MemoryLimitInBytes, and their temporary file in '{_file.Directory}' needs {FileBytes} bytes or more: ") +
                $"{exception.Message.TrimEnd('.')}. Make room, raise MemoryLimitInBytes, or name another TemporaryDirectory.", exception);
        }
        chunk.IsChanged = false;
    }

    private void Forget(StoredChunk chunk)
    {
        if (chunk.Movable is not null)
            _movable.Remove(chunk.Movable);
        chunk.Movable = null;
    }
}

/// <summary>Words that are in memory or in a temporary file; <see cref="ChunkStore"/> moves them.</summary>
internal sealed class StoredChunk(int length, ChunkSequence sequence)
{
    private bool _isComing;

    public int Length => length;

    /// <summary>The chunks that are read before and after it.</summary>
    public ChunkSequence Sequence => sequence;

    /// <summary>The words, while they are in memory or on their way there.</summary>
    public Chunk? Memory { get; set; }

    /// <summary>Whether a thread is reading the words from the file.</summary>
    public bool IsComing
    {
        get => Volatile.Read(ref _isComing);
        set => Volatile.Write(ref _isComing, value);
    }

    /// <summary>The part of the file they have a place in, or null.</summary>
    public FileExtent? Extent { get; set; }

    /// <summary>That place, in bytes.</summary>
    public long Position { get; set; }

    /// <summary>Whether the file does not have them as they are in memory.</summary>
    public bool IsChanged { get; set; }

    /// <summary>While above 0, the words stay in memory.</summary>
    public int Pins { get; set; }

    /// <summary>Its place among those that may be moved to the file, while it is one of them.</summary>
    public LinkedListNode<StoredChunk>? Movable { get; set; }
}

/// <summary>Chunks that will be read one after the other: they are side by side in the file too, a few at least.</summary>
internal sealed class ChunkSequence
{
    /// <summary>Where its next chunk goes.</summary>
    public FileExtent? Open { get; set; }
}

/// <summary>
/// Cuts slabs into chunks of one size, hands them out and takes them back, so that rows can be repacked chunk by chunk in the
/// memory they already occupy. Disposing of it frees all of its memory.
/// </summary>
/// <param name="allocator">Where the memory comes from.</param>
/// <param name="chunkLength">Words of a usual chunk; a multiple of <see cref="CacheLineWords"/>.</param>
internal sealed class ChunkPool(ISlabAllocator allocator, int chunkLength) : IDisposable
{
    /// <summary>Chunks are aligned to so many words.</summary>
    public const int CacheLineWords = 16;

    private readonly HashSet<Slab> _slabs = [];
    private readonly Stack<Chunk> _free = [];
    private Slab? _open;
    private long _used;

    public int ChunkLength { get; } = (chunkLength + CacheLineWords - 1) / CacheLineWords * CacheLineWords;

    /// <param name="length">At least this many words; more than a chunk's usual length gives a chunk with its own slab.</param>
    /// <exception cref="OutOfMemoryException">There is no more memory.</exception>
    public Chunk Rent(int length)
    {
        if (length > ChunkLength)
            return new Chunk(NewSlab(length), start: 0, length);
        if (_free.TryPop(out Chunk? free))
            return free;
        if (_open is null || _used + ChunkLength > SlabLength)
        {
            _open = NewSlab(SlabLength);
            _used = 0;
        }
        _used += ChunkLength;
        return new Chunk(_open, _used - ChunkLength, ChunkLength);
    }

    /// <summary>Takes a chunk back; the memory of one longer than usual is freed.</summary>
    public void Return(Chunk chunk)
    {
        if (chunk.Length == ChunkLength)
        {
            _free.Push(chunk);
            return;
        }
        _slabs.Remove(chunk.Slab);
        chunk.Slab.Dispose();
    }

    public void Dispose()
    {
        foreach (Slab slab in _slabs)
            slab.Dispose();
        _slabs.Clear();
        _free.Clear();
        _open = null;
    }

    private long SlabLength => Math.Max(allocator.SlabLength, ChunkLength);

    private Slab NewSlab(long length)
    {
        Slab slab = allocator.Allocate(length);
        _slabs.Add(slab);
        return slab;
    }
}

/// <summary>A part of a slab: 32-bit words, floats for the most part, aligned to a cache line.</summary>
internal sealed class Chunk(Slab slab, long start, int length)
{
    public int Length => length;

    public Slab Slab => slab;

    /// <exception cref="ObjectDisposedException">The slab has been freed.</exception>
    public Span<float> Words
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => slab.Words(start, length);
    }

    public Span<int> Integers => MemoryMarshal.Cast<float, int>(Words);
}
