using System.Runtime.InteropServices;

namespace MlNetRms.Data;

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
