using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class ChunkPoolTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(1)]
    public void Words_NewChunks_AreAlignedToACacheLine(int chunkLength)
    {
        using ChunkPool pool = New(chunkLength);

        for (int chunk = 0; chunk < 100; chunk++)
            Assert.Equal(0, Address.Of(pool.Rent(1).Words) % 64);
    }

    [Fact]
    public void Words_ChunkLongerThanUsual_AreAlignedToACacheLine()
    {
        using ChunkPool pool = New(64);

        Chunk chunk = pool.Rent(100);

        Assert.Equal(100, chunk.Words.Length);
        Assert.Equal(0, Address.Of(chunk.Words) % 64);
    }

    [Fact]
    public void Integers_SameMemory_HoldTheBitsOfTheWords()
    {
        using ChunkPool pool = New(3);
        Chunk chunk = pool.Rent(3);
        chunk.Words.Clear();
        chunk.Integers[1] = BitConverter.SingleToInt32Bits(1.5f);

        Assert.Equal([0, 1.5f, 0], chunk.Words[..3].ToArray());
    }

    [Fact]
    public void Words_SlabIsDisposed_Throws()
    {
        Slab slab = NativeSlabAllocator.Instance.Allocate(3);
        var chunk = new Chunk(slab, start: 0, length: 3);
        slab.Dispose();
        slab.Dispose();        // twice is once

        Assert.Throws<ObjectDisposedException>(() => chunk.Words.Length);
    }

    [Fact]
    public void Rent_AfterReturn_GivesTheSameMemoryAgain()
    {
        using ChunkPool pool = New(64);
        Chunk first = pool.Rent(10);
        pool.Return(first);

        Assert.Same(first, pool.Rent(64));
        Assert.NotSame(first, pool.Rent(1));
    }

    [Fact]
    public void Rent_MoreThanAChunk_GivesOneOfThatLengthAndFreesItOnReturn()
    {
        using ChunkPool pool = New(64);
        Chunk large = pool.Rent(1000);
        Assert.Equal(1000, large.Length);

        pool.Return(large);

        Assert.Throws<ObjectDisposedException>(() => large.Words.Length);
        Assert.Equal(64, pool.Rent(64).Length);
    }

    [Fact]
    public void Rent_ManyChunks_CutsSlabsIntoPartsThatDoNotOverlap()
    {
        const int ChunkLength = 1 << 17;        // four in a slab
        var allocator = new CountingAllocator();
        using var pool = new ChunkPool(allocator, ChunkLength);

        Chunk[] chunks = [.. Enumerable.Range(0, 10).Select(_ => pool.Rent(1))];

        Assert.Equal(3, allocator.Slabs.Count);
        for (int i = 0; i < chunks.Length; i++)
            chunks[i].Words.Fill(i);
        for (int i = 0; i < chunks.Length; i++)
            Assert.False(chunks[i].Words.ContainsAnyExcept((float)i));
    }

    [Fact]
    public void Rent_ChunkLongerThanASlab_GivesItASlabOfThatLength()
    {
        var allocator = new CountingAllocator();
        using var pool = new ChunkPool(allocator, 3 * allocator.SlabLength);

        Chunk[] chunks = [pool.Rent(1), pool.Rent(1)];

        Assert.Equal(2, allocator.Slabs.Count);
        Assert.All(chunks, chunk => chunk.Words.Fill(1));
        pool.Return(chunks[0]);
        Assert.Same(chunks[0], pool.Rent(1));
        Assert.Equal(2, allocator.Slabs.Count);
    }

    [Fact]
    public void Dispose_Pool_FreesEveryChunk()
    {
        ChunkPool pool = New(64);
        Chunk[] chunks = [pool.Rent(1), pool.Rent(65), pool.Rent(64)];
        pool.Return(chunks[2]);

        pool.Dispose();

        Assert.All(chunks, chunk => Assert.Throws<ObjectDisposedException>(() => chunk.Words.Length));
    }

    [Fact]
    public void Dispose_Pool_FreesEverySlabItTook()
    {
        var allocator = new CountingAllocator();
        var pool = new ChunkPool(allocator, 1 << 18);
        for (int chunk = 0; chunk < 5; chunk++)
            pool.Rent(1);
        pool.Return(pool.Rent(1 << 20));
        pool.Rent(1 << 20);

        pool.Dispose();
        pool.Dispose();        // twice is once

        Assert.Equal(5, allocator.Slabs.Count);
        Assert.All(allocator.Slabs, slab => Assert.True(slab.IsClosed));
    }

    private static ChunkPool New(int chunkLength) => new(NativeSlabAllocator.Instance, chunkLength);
}
