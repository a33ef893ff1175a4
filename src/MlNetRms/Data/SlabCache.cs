namespace MlNetRms.Data;

/// <summary>
/// Memory of freed slabs, kept for the next training: the system clears every page it hands out, which costs more than reading
/// the rows once. All of it goes back to the system a while after the last training, and at once when memory is scarce.
/// </summary>
internal sealed class SlabCache
{
    public const int SlabBytes = 2 << 20;

    /// <summary>Cross-validations and searches train again at once.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    /// <summary>Of the memory that the process may use, this part is kept at most.</summary>
    private const int MostShare = 16;

    private readonly long _mostBytes;
    private readonly Lock _lock = new();
    private readonly Stack<nint> _free = new();
    private readonly ITimer _idle;

    /// <param name="mostBytes">Bytes that are kept at most.</param>
    /// <param name="time">Tells when <see cref="KeptFor"/> has passed.</param>
    public SlabCache(long mostBytes, TimeProvider time)
    {
        _mostBytes = mostBytes;
        _idle = time.CreateTimer(_ => Clear(), state: null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _ = new CollectionCallback(this);
    }

    public static SlabCache Shared { get; } = new(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / MostShare, TimeProvider.System);

    /// <summary>Bytes that are kept now.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return (long)_free.Count * SlabBytes;
        }
    }

    /// <returns>Memory of <see cref="SlabBytes"/>, aligned to as many, with any content; 0 if there is none.</returns>
    public nint Take()
    {
        lock (_lock)
            return _free.TryPop(out nint memory) ? memory : 0;
    }

    /// <summary>Keeps memory or frees it.</summary>
    public void Return(nint memory)
    {
        lock (_lock)
        {
            if ((_free.Count + 1L) * SlabBytes <= _mostBytes)
            {
                _free.Push(memory);
                _idle.Change(KeptFor, Timeout.InfiniteTimeSpan);
                return;
            }
        }
        Slab.FreeMemory(memory);
    }

    /// <summary>Frees everything.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            while (_free.TryPop(out nint memory))
                Slab.FreeMemory(memory);
        }
    }

    /// <summary>An object that nobody holds, finalised after each collection and registered again.</summary>
    private sealed class CollectionCallback(SlabCache cache)
    {
        ~CollectionCallback()
        {
            if (Environment.HasShutdownStarted)
                return;
            GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
            if (info.MemoryLoadBytes >= info.HighMemoryLoadThresholdBytes)
                cache.Clear();
            GC.ReRegisterForFinalize(this);
        }
    }
}
