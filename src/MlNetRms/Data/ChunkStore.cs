namespace MlNetRms.Data;

/// <summary>
/// Chunks of which more exist than may be in memory: the others are in a temporary file and come back when they are needed. Without need
/// there is no file.
/// </summary>
/// <remarks>
/// <para>
/// A chunk is pinned while it is written to, and while a bucket is read in random order. Stored rows are read without pins: the words of a
/// chunk stay where they are until <see cref="RecentChunks"/> others have been used, which no reader lives to see: a batch has fewer, and the
/// next one begins when all threads have done with it.
/// </para>
/// <para>
/// Rows are read in sequence again and again. So what gives way is the chunk that was last used just before the recent ones: most of the
/// memory keeps its chunks from epoch to epoch, and the others pass through a small part of it, which stays in the processor's cache.
/// </para>
/// <para>Several threads can use it at once.</para>
/// </remarks>
internal sealed class ChunkStore : IDisposable
{
    /// <summary>A reader's words stay where they are while so many other chunks are used, or more if <see cref="KeepRecent"/> says so.</summary>
    public const int RecentChunks = 64;

    private readonly ChunkPool _pool;
    private readonly string? _directory;
    private long _mostWords;
    private int _recentChunks = RecentChunks;
    private readonly Lock _lock = new();
    private readonly LinkedList<StoredChunk> _recent = [];
    private readonly LinkedList<StoredChunk> _older = [];
    private volatile SpillFile? _file;
    private long _words;

    /// <param name="pool">Where memory comes from; this object disposes of it.</param>
    /// <param name="memoryLimit">Bytes that may be in memory; null for all. Pinned chunks may exceed it.</param>
    /// <param name="directory">Where the file goes; null for the system's folder of temporary files.</param>
    public ChunkStore(ChunkPool pool, long? memoryLimit = null, string? directory = null)
    {
        _pool = pool;
        _directory = directory;
        _mostWords = memoryLimit is { } bytes ? Math.Max(bytes / sizeof(float), 2L * RecentChunks * pool.ChunkLength) : long.MaxValue;
    }

    /// <summary>Words of a usual chunk.</summary>
    public int ChunkLength => _pool.ChunkLength;

    /// <summary>Bytes of the temporary file.</summary>
    public long FileBytes => _file?.Length ?? 0;

    /// <summary>Lets readers use so many chunks at once, whatever the limit.</summary>
    public void KeepRecent(int chunks)
    {
        lock (_lock)
        {
            _recentChunks = Math.Max(_recentChunks, chunks);
            _mostWords = Math.Max(_mostWords, 2L * _recentChunks * ChunkLength);
        }
    }

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

    /// <summary>The words of a chunk; see the remarks for how long.</summary>
    /// <exception cref="IOException">The file cannot be read, or there is no more room for it.</exception>
    public Span<float> Words(StoredChunk chunk)
    {
        // Nothing moves before there is a file, and there is none before rows are written, which pins them.
        if (_file is null)
            return chunk.Memory!.Words;
        lock (_lock)
        {
            Load(chunk);
            if (chunk.Pins == 0)
                Use(chunk);
            return chunk.Memory!.Words;
        }
    }

    /// <summary>Keeps the words in memory until <see cref="Unpin"/>.</summary>
    /// <inheritdoc cref="Words" path="/exception"/>
    public void Pin(StoredChunk chunk)
    {
        lock (_lock)
        {
            Load(chunk);
            Forget(chunk);
            chunk.Pins++;
        }
    }

    /// <summary>The same for words that will be changed.</summary>
    /// <inheritdoc cref="Words" path="/exception"/>
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
            if (--chunk.Pins == 0)
                Use(chunk);
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

    private void Load(StoredChunk chunk)
    {
        if (chunk.Memory is not null)
            return;
        TakeMemory(chunk);
        _file!.Read(chunk.Position, chunk.Memory!.Words);
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
        while (_words + room > _mostWords && (_older.Last ?? _recent.First) is { Value: var chunk })
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

    /// <summary>Makes a chunk that is not pinned the one used last.</summary>
    private void Use(StoredChunk chunk)
    {
        Forget(chunk);
        chunk.Use = _recent.AddLast(chunk);
        if (_recent.Count > _recentChunks)
        {
            StoredChunk older = _recent.First!.Value;
            Forget(older);
            older.Use = _older.AddLast(older);
        }
    }

    private static void Forget(StoredChunk chunk)
    {
        chunk.Use?.List?.Remove(chunk.Use);
        chunk.Use = null;
    }
}
