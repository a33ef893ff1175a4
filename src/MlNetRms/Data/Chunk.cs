using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlNetRms.Data;

/// <summary>A part of a slab: 32-bit words, floats for the most part, aligned to a cache line.</summary>
internal sealed class Chunk(Slab slab, long start, int length)
{
    public int Length => length;

    public Slab Slab => slab;

    /// <exception cref="ObjectDisposedException">The slab has been freed.</exception>
    public Span<float> Words
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => slab.Words(start, length);
    }

    public Span<int> Integers => MemoryMarshal.Cast<float, int>(Words);
}
