using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Examples;

namespace MlNetRms.Tests.Examples;

public sealed class ChunkTests
{
    [Fact]
    public void Words_NewChunk_AreAlignedToACacheLine()
    {
        using var chunk = new Chunk(100);

        Assert.Equal(100, chunk.Words.Length);
        Assert.Equal(0, AddressOf(chunk) % 64);
    }

    [Fact]
    public void Integers_SameMemory_HoldTheBitsOfTheWords()
    {
        using var chunk = new Chunk(3);
        chunk.Words.Clear();
        chunk.Integers[1] = BitConverter.SingleToInt32Bits(1.5f);

        Assert.Equal([0, 1.5f, 0], chunk.Words.ToArray());
    }

    [Fact]
    public void Words_AfterDispose_Throws()
    {
        var chunk = new Chunk(3);
        chunk.Dispose();
        chunk.Dispose();        // twice is once

        Assert.Throws<ObjectDisposedException>(() => chunk.Words.Length);
    }

    [Fact]
    public void Rent_AfterReturn_GivesTheSameMemoryAgain()
    {
        using var pool = new ChunkPool(64);
        Chunk first = pool.Rent(10);
        pool.Return(first);

        Assert.Same(first, pool.Rent(64));
        Assert.NotSame(first, pool.Rent(1));
    }

    [Fact]
    public void Rent_MoreThanAChunk_GivesOneOfThatLengthAndFreesItOnReturn()
    {
        using var pool = new ChunkPool(64);
        Chunk large = pool.Rent(1000);
        Assert.Equal(1000, large.Length);

        pool.Return(large);

        Assert.Throws<ObjectDisposedException>(() => large.Words.Length);
        Assert.Equal(64, pool.Rent(64).Length);
    }

    [Fact]
    public void Dispose_Pool_FreesEveryChunk()
    {
        var pool = new ChunkPool(64);
        Chunk[] chunks = [pool.Rent(1), pool.Rent(65), pool.Rent(64)];
        pool.Return(chunks[2]);

        pool.Dispose();

        Assert.All(chunks, chunk => Assert.Throws<ObjectDisposedException>(() => chunk.Words.Length));
    }

    private static nint AddressOf(Chunk chunk) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<float>(), ref MemoryMarshal.GetReference(chunk.Words));
}
