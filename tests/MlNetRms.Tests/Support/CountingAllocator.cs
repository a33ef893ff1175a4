using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Support;

/// <summary>Allocates native memory and keeps a list of it.</summary>
internal sealed class CountingAllocator : ISlabAllocator
{
    public List<Slab> Slabs { get; } = [];

    public int SlabLength => NativeSlabAllocator.Instance.SlabLength;

    public Slab Allocate(long length)
    {
        Slabs.Add(NativeSlabAllocator.Instance.Allocate(length));
        return Slabs[^1];
    }
}
