namespace MlNetRms.Data;

/// <summary>
/// Memory of freed slabs, kept for the next training: the system clears every page it hands out, which costs more than reading
/// the rows once. At most <see cref="MostBytes"/> are kept; what no training has used between two full garbage collections goes
/// back to the system, and everything does when memory is scarce.
/// </summary>
internal static class SlabCache
{
    public const int SlabBytes = 2 << 20;

    /// <summary>256 MiB.</summary>
    public const long MostBytes = 256L << 20;

    private static readonly Lock _lock = new();
    private static readonly Stack<nint> _free = new();

    /// <summary>The least number of slabs in the cache since the last full collection.</summary>
    private static int _unused;

    static SlabCache() => _ = new FullCollectionCallback();

    /// <summary>Bytes that are kept now.</summary>
    public static long Bytes
    {
        get
        {
            lock (_lock)
                return (long)_free.Count * SlabBytes;
        }
    }

    /// <returns>Memory of <see cref="SlabBytes"/>, aligned to as many, with any content; 0 if there is none.</returns>
    public static nint Take()
    {
        lock (_lock)
        {
            if (!_free.TryPop(out nint memory))
                return 0;
            _unused = Math.Min(_unused, _free.Count);
            return memory;
        }
    }

    /// <summary>Keeps memory or frees it.</summary>
    public static void Return(nint memory)
    {
        lock (_lock)
        {
            if ((_free.Count + 1L) * SlabBytes <= MostBytes)
            {
                _free.Push(memory);
                return;
            }
        }
        Slab.FreeMemory(memory);
    }

    /// <summary>Frees what was not used since the last call, or everything.</summary>
    public static void Trim(bool everything)
    {
        lock (_lock)
        {
            for (int count = everything ? _free.Count : _unused; count > 0; count--)
                Slab.FreeMemory(_free.Pop());
            _unused = _free.Count;
        }
    }

    /// <summary>An object that nobody holds, finalised after each full collection and registered again.</summary>
    private sealed class FullCollectionCallback
    {
        ~FullCollectionCallback()
        {
            if (Environment.HasShutdownStarted)
                return;
            GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
            if (GC.GetGeneration(this) == GC.MaxGeneration)
                Trim(everything: info.MemoryLoadBytes >= info.HighMemoryLoadThresholdBytes);
            GC.ReRegisterForFinalize(this);
        }
    }
}
