namespace MlNetRms.Data;

/// <summary>
/// Chunks of which more exist than may be in memory: the others are in a temporary file and come back when they are needed. Without need
/// there is no file.
/// </summary>
/// <remarks>
/// <para>
/// A chunk that is written to, or drained in random order, is pinned. A chunk that is only read stays in memory until the thread that reads it
/// reads another one: each thread holds one for the dense and one for the sparse part of rows.
/// </para>
/// <para>
/// Rows are read in sequence again and again. So what gives way is the chunk that was given up last: most of the memory keeps its chunks from
/// epoch to epoch, and the others pass through a small part of it, which stays in the processor's cache.
/// </para>
/// <para>Several threads can use it at once.</para>
/// </remarks>
internal sealed class ChunkStore : IDisposable
{
    private readonly ChunkPool _pool;
    private readonly string? _directory;
    private readonly long _mostWords;
    private readonly Lock _lock = new();
    private readonly LinkedList<StoredChunk> _movable = [];
    private readonly Dictionary<(int Thread, RowPart Part), StoredChunk> _held = [];
    private volatile SpillFile? _file;
    private long _words;

    /// <param name="pool">Where memory comes from; this object disposes of it.</param>
    /// <param name="memoryLimit">Bytes that may be in memory; null for all. Chunks in use may exceed it.</param>
    /// <param name="directory">Where the file goes; null for the system's folder of temporary files.</param>
    public ChunkStore(ChunkPool pool, long? memoryLimit = null, string? directory = null)
    {
        _pool = pool;
        _directory = directory;
        _mostWords = memoryLimit / sizeof(float) ?? long.MaxValue;
    }

    /// <summary>Words of a usual chunk.</summary>
    public int ChunkLength => _pool.ChunkLength;

    /// <summary>Bytes of the temporary file.</summary>
    public long FileBytes => _file?.Length ?? 0;

    /// <summary>A new chunk, pinned.</summary>
    /// <param name="length">At least this many words.</param>
    /// <exception cref="OutOfMemoryException">There is no more memory.</exception>
    /// <exception cref="IOException">There is no more room for the file.</exception>
    public StoredChunk Rent(int length)
    {
        var chunk = new StoredChunk(Math.Max(length, ChunkLength)) { Pins = 1, IsChanged = true };
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
        lock (_lock)
        {
            (int, RowPart) reader = (Environment.CurrentManagedThreadId, part);
            _held.TryGetValue(reader, out StoredChunk? held);
            if (held != chunk)
            {
                if (held is not null)
                    UnpinLocked(held);
                _held.Remove(reader);
                PinLocked(chunk);
                _held.Add(reader, chunk);
            }
            return chunk.Memory!.Words;
        }
    }

    /// <summary>Keeps the words in memory until <see cref="Unpin"/>.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public void Pin(StoredChunk chunk)
    {
        lock (_lock)
            PinLocked(chunk);
    }

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
            _file?.Free(chunk.Position, chunk.Length);
            chunk.Position = StoredChunk.Nowhere;
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _pool.Dispose();
    }

    private void PinLocked(StoredChunk chunk)
    {
        if (chunk.Memory is null)
        {
            TakeMemory(chunk);
            _file!.Read(chunk.Position, chunk.Memory!.Words);
        }
        Forget(chunk);
        chunk.Pins++;
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
        while (_words + room > _mostWords && _movable.Last is { Value: var chunk })
        {
            if (chunk.IsChanged)
            {
                _file ??= new SpillFile(_directory);
                if (chunk.Position == StoredChunk.Nowhere)
                    chunk.Position = _file.Take(chunk.Length);
                _file.Write(chunk.Position, chunk.Memory!.Words);
                chunk.IsChanged = false;
            }
            Forget(chunk);
            GiveMemory(chunk);
        }
    }

    private void Forget(StoredChunk chunk)
    {
        if (chunk.Movable is not null)
            _movable.Remove(chunk.Movable);
        chunk.Movable = null;
    }
}
