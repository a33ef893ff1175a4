namespace MlNetRms.Data;

/// <summary>Words that are in memory or in a temporary file; <see cref="ChunkStore"/> moves them.</summary>
internal sealed class StoredChunk(int length, ChunkSequence sequence)
{
    private bool _isComing;

    public int Length => length;

    /// <summary>The chunks that are read before and after it.</summary>
    public ChunkSequence Sequence => sequence;

    /// <summary>The words, while they are in memory or on their way there.</summary>
    public Chunk? Memory { get; set; }

    /// <summary>Whether a thread is reading the words from the file.</summary>
    public bool IsComing
    {
        get => Volatile.Read(ref _isComing);
        set => Volatile.Write(ref _isComing, value);
    }

    /// <summary>The part of the file they have a place in, or null.</summary>
    public FileExtent? Extent { get; set; }

    /// <summary>That place, in bytes.</summary>
    public long Position { get; set; }

    /// <summary>Whether the file does not have them as they are in memory.</summary>
    public bool IsChanged { get; set; }

    /// <summary>While above 0, the words stay in memory.</summary>
    public int Pins { get; set; }

    /// <summary>Its place among those that may be moved to the file, while it is one of them.</summary>
    public LinkedListNode<StoredChunk>? Movable { get; set; }
}
