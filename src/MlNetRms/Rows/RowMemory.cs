using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

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

/// <summary>
/// A large piece of memory outside the garbage-collected heap, in 32-bit words. It is freed when disposed of or, if that is
/// missed, when it is finalised.
/// </summary>
internal sealed unsafe class Slab : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly long _length;
    private readonly Action<nint> _free;

    /// <param name="memory">The memory; the slab owns it from here on.</param>
    /// <param name="length">Its words.</param>
    /// <param name="free">Frees it.</param>
    public Slab(nint memory, long length, Action<nint> free)
        : base(ownsHandle: true)
    {
        _length = length;
        _free = free;
        SetHandle(memory);
    }

    /// <exception cref="ArgumentOutOfRangeException">The words are not all in the slab.</exception>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<float> Words(long start, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, _length);
        return new Span<float>((float*)handle + start, length);
    }

#pragma warning disable RS0030 // The one place that allocates outside the garbage-collected heap.
    /// <summary>Takes memory from the system.</summary>
    /// <param name="byteCount">A multiple of <paramref name="alignment"/>.</param>
    /// <param name="alignment">A power of two.</param>
    /// <exception cref="OutOfMemoryException">There is no such memory.</exception>
    public static nint AllocateMemory(nuint byteCount, nuint alignment) => (nint)NativeMemory.AlignedAlloc(byteCount, alignment);

    /// <summary>Gives memory back to the system.</summary>
    public static void FreeMemory(nint memory) => NativeMemory.AlignedFree((void*)memory);
#pragma warning restore RS0030

    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}

/// <summary>
/// Slabs from native memory, in whole multiples of a huge page of 2 MiB and aligned to it. On Linux they are marked for huge pages:
/// touching fresh memory in pages of 4 KiB takes longer than reading the rows.
/// </summary>
internal sealed partial class NativeSlabAllocator : ISlabAllocator
{
    private const int HugePageBytes = SlabCache.SlabBytes;
    private const int AdviceHugePage = 14;

    public static NativeSlabAllocator Instance { get; } = new();

    public int SlabLength => HugePageBytes / sizeof(float);

    public Slab Allocate(long length)
    {
        long bytes = checked(length * sizeof(float) + HugePageBytes - 1) / HugePageBytes * HugePageBytes;
        bool isUsual = bytes == HugePageBytes;
        nint memory = isUsual ? SlabCache.Shared.Take() : 0;
        if (memory == 0)
            memory = NewMemory((nuint)bytes);
        return new Slab(memory, bytes / sizeof(float), isUsual ? SlabCache.Shared.Return : Slab.FreeMemory);
    }

    private static nint NewMemory(nuint bytes)
    {
        nint memory = Slab.AllocateMemory(bytes, HugePageBytes);
        if (OperatingSystem.IsLinux())
            _ = MemoryAdvise(memory, bytes, AdviceHugePage);        // a hint: whether it is taken changes the speed alone
        return memory;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(nint address, nuint length, int advice);
}

/// <summary>Where row memory comes from: the only place that asks the operating system for it.</summary>
internal interface ISlabAllocator
{
    /// <summary>Words in a usual slab.</summary>
    int SlabLength { get; }

    /// <param name="length">Words that are needed.</param>
    /// <returns>A slab of at least that many words.</returns>
    Slab Allocate(long length);
}
