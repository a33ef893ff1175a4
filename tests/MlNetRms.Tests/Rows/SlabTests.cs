using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class SlabTests
{
    private const int SlabBytes = 2 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(SlabBytes / sizeof(float))]
    [InlineData(SlabBytes / sizeof(float) + 1)]
    public void Allocate_AnyLength_IsAlignedToAHugePageAndHoldsAllWords(int length)
    {
        using Slab slab = NativeSlabAllocator.Instance.Allocate(length);

        Assert.Equal(0, Address.Of(slab.Words(0, 1)) % SlabBytes);
        slab.Words(0, length).Fill(1.5f);
        Assert.Equal(1.5f, slab.Words(length - 1, 1)[0]);
    }

    [Fact]
    public void SlabLength_InBytes_IsOneHugePage() =>
        Assert.Equal(SlabBytes, NativeSlabAllocator.Instance.SlabLength * sizeof(float));

    [Fact]
    public void Allocate_MoreThanThereIs_ThrowsOutOfMemory() =>
        Assert.Throws<OutOfMemoryException>(() => NativeSlabAllocator.Instance.Allocate(1L << 58));

    [Fact]
    public void Words_OfAPart_AreTheSameMemory()
    {
        using Slab slab = NativeSlabAllocator.Instance.Allocate(100);
        slab.Words(0, 100).Clear();

        slab.Words(40, 3)[2] = 7;

        Assert.Equal(7, slab.Words(0, 100)[42]);
        Assert.Equal(3, slab.Words(40, 3).Length);
    }

    [Fact]
    public void Words_AfterDispose_Throws()
    {
        Slab slab = NativeSlabAllocator.Instance.Allocate(3);
        slab.Dispose();
        slab.Dispose();        // twice is once

        Assert.Throws<ObjectDisposedException>(() => slab.Words(0, 1).Length);
    }
}
