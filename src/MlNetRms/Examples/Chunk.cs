using System.Runtime.InteropServices;

namespace MlNetRms.Examples;

/// <summary>
/// A piece of memory outside the garbage-collected heap: 32-bit words, floats for the most part, aligned to a cache line.
/// </summary>
internal sealed unsafe class Chunk : IDisposable
{
    private const int CacheLineBytes = 64;
    private float* _words;

    public Chunk(int length)
    {
        Length = length;
        _words = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), CacheLineBytes);
    }

    public int Length { get; }

    public Span<float> Words
    {
        get
        {
            ObjectDisposedException.ThrowIf(_words is null, this);
            return new Span<float>(_words, Length);
        }
    }

    public Span<int> Integers => MemoryMarshal.Cast<float, int>(Words);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_words);
        _words = null;
    }
}

/// <summary>
/// Hands out chunks of one size and takes them back, so that rows can be repacked chunk by chunk in the memory they
/// already occupy. Disposing it frees every chunk it ever made.
/// </summary>
internal sealed class ChunkPool(int chunkLength) : IDisposable
{
    private readonly List<Chunk> _all = [];
    private readonly Stack<Chunk> _free = [];

    public int ChunkLength { get; } = chunkLength;

    /// <param name="length">At least this many words; more than a chunk's usual length gives a chunk of just that size.</param>
    public Chunk Rent(int length)
    {
        if (length <= ChunkLength && _free.TryPop(out Chunk? free))
            return free;
        var chunk = new Chunk(Math.Max(length, ChunkLength));
        _all.Add(chunk);
        return chunk;
    }

    public void Return(Chunk chunk)
    {
        if (chunk.Length == ChunkLength)
        {
            _free.Push(chunk);
        }
        else
        {
            _all.Remove(chunk);
            chunk.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (Chunk chunk in _all)
            chunk.Dispose();
        _all.Clear();
        _free.Clear();
    }
}
