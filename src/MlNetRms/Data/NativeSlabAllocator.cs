namespace MlNetRms.Data;

/// <summary>Slabs from native memory, in whole multiples of a huge page of 2 MiB and aligned to it.</summary>
internal sealed class NativeSlabAllocator : ISlabAllocator
{
    private const int SlabBytes = 2 << 20;

    public static NativeSlabAllocator Instance { get; } = new();

    public int SlabLength => SlabBytes / sizeof(float);

    public Slab Allocate(long length)
    {
        long bytes = checked(length * sizeof(float));
        return Slab.Allocate((nuint)((bytes + SlabBytes - 1) / SlabBytes * SlabBytes), SlabBytes);
    }
}
