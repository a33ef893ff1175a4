namespace MlNetRms.Data;

/// <summary>
/// Cuts slabs into chunks of one size, hands them out and takes them back, so that rows can be repacked chunk by chunk in the
/// memory they already occupy. Disposing of it frees all of its memory.
/// </summary>
/// <param name="allocator">Where the memory comes from.</param>
/// <param name="chunkLength">Words of a usual chunk; a multiple of <see cref="CacheLineWords"/>.</param>
internal sealed class ChunkPool(ISlabAllocator allocator, int chunkLength) : IDisposable
{
    /// <summary>Chunks are aligned to so many words.</summary>
    public const int CacheLineWords = 16;

    private readonly HashSet<Slab> _slabs = [];
    private readonly Stack<Chunk> _free = [];
    private Slab? _open;
    private long _used;

    public int ChunkLength { get; } = (chunkLength + CacheLineWords - 1) / CacheLineWords * CacheLineWords;

    /// <param name="length">At least this many words; more than a chunk's usual length gives a chunk with its own slab.</param>
    /// <exception cref="OutOfMemoryException">There is no more memory.</exception>
    public Chunk Rent(int length)
    {
        if (length > ChunkLength)
            return new Chunk(NewSlab(length), start: 0, length);
        if (_free.TryPop(out Chunk? free))
            return free;
        if (_open is null || _used + ChunkLength > SlabLength)
        {
            _open = NewSlab(SlabLength);
            _used = 0;
        }
        _used += ChunkLength;
        return new Chunk(_open, _used - ChunkLength, ChunkLength);
    }

    /// <summary>Takes a chunk back; the memory of one longer than usual is freed.</summary>
    public void Return(Chunk chunk)
    {
        if (chunk.Length == ChunkLength)
        {
            _free.Push(chunk);
            return;
        }
        _slabs.Remove(chunk.Slab);
        chunk.Slab.Dispose();
    }

    public void Dispose()
    {
        foreach (Slab slab in _slabs)
            slab.Dispose();
        _slabs.Clear();
        _free.Clear();
        _open = null;
    }

    private long SlabLength => Math.Max(allocator.SlabLength, ChunkLength);

    private Slab NewSlab(long length)
    {
        Slab slab = allocator.Allocate(length);
        _slabs.Add(slab);
        return slab;
    }
}
