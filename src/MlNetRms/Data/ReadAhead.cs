namespace MlNetRms.Data;

/// <summary>
/// A thread that brings chunks back from the file which will be read soon, while others work on those read before. A chunk it has brought is
/// pinned until it is read.
/// </summary>
/// <remarks>Everything but the reading itself is done under the lock of the <see cref="ChunkStore"/> it belongs to.</remarks>
internal sealed class ReadAhead : IDisposable
{
    /// <summary>4 MiB: what a disk has on its way, and still in the processor's cache when it is read.</summary>
    private const long MostWords = 1 << 20;

    private readonly object _lock;
    private readonly Func<StoredChunk, bool> _take;
    private readonly Action<StoredChunk> _load;
    private readonly long _mostWords;
    private readonly Queue<StoredChunk> _expected = [];
    private Thread? _thread;
    private bool _isWaiting;
    private bool _isStopped;
    private long _words;

    /// <param name="storeLock">The lock of the store.</param>
    /// <param name="take">Takes memory for a chunk, if there is some.</param>
    /// <param name="load">Reads a chunk into its memory; called without the lock.</param>
    /// <param name="wordsOfStore">Words that the store may have in memory.</param>
    public ReadAhead(object storeLock, Func<StoredChunk, bool> take, Action<StoredChunk> load, long wordsOfStore)
    {
        _lock = storeLock;
        _take = take;
        _load = load;
        _mostWords = Math.Min(MostWords, wordsOfStore / 2);
    }

    /// <summary>Says that a chunk will be read soon.</summary>
    public void Expect(StoredChunk chunk)
    {
        if (chunk.Memory is not null || chunk.IsExpected)
            return;
        chunk.IsExpected = true;
        _expected.Enqueue(chunk);
        if (_thread is null)
        {
            _thread = new Thread(Work) { IsBackground = true, Name = $"{nameof(MlNetRms)} reading ahead" };
            _thread.Start();
        }
        Wake();
    }

    /// <summary>Says that a chunk is read now, and pinned by its reader.</summary>
    public void Reached(StoredChunk chunk)
    {
        chunk.IsExpected = false;
        if (!chunk.IsAhead)
            return;
        chunk.IsAhead = false;
        chunk.Pins--;
        _words -= chunk.Length;
        if (_words < _mostWords / 2)
            Wake();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isStopped = true;
            Wake();
        }
        _thread?.Join();
    }

    private void Wake()
    {
        if (_isWaiting)
            Monitor.PulseAll(_lock);
        _isWaiting = false;
    }

    private void Work()
    {
        while (Next() is { } chunk)
        {
            try
            {
                _load(chunk);
            }
            catch (IOException)
            {
                // The thread that needs it tries again, and has someone to tell.
            }
        }
    }

    /// <returns>A chunk with memory, to be loaded; null at the end.</returns>
    private StoredChunk? Next()
    {
        lock (_lock)
        {
            while (!_isStopped)
            {
                if (!_expected.TryPeek(out StoredChunk? chunk) || (_words > 0 && _words + chunk.Length > _mostWords))
                {
                    _isWaiting = true;
                    Monitor.Wait(_lock);
                    continue;
                }
                _expected.Dequeue();
                if (chunk.IsExpected && TryTake(chunk))
                {
                    chunk.IsAhead = chunk.IsComing = true;
                    chunk.Pins++;
                    _words += chunk.Length;
                    return chunk;
                }
            }
            return null;
        }
    }

    /// <summary>Without memory, or without room for the chunk that gives way, the chunk comes when it is read.</summary>
    private bool TryTake(StoredChunk chunk)
    {
        chunk.IsExpected = false;
        try
        {
            return chunk.Memory is null && _take(chunk);
        }
        catch (Exception exception) when (exception is IOException or OutOfMemoryException)
        {
            return false;
        }
    }
}
