namespace MlNetRms.Data;

/// <summary>Words that are in memory or in a temporary file; <see cref="ChunkStore"/> moves them.</summary>
internal sealed class StoredChunk(int length)
{
    /// <summary>Where the words have no place in the file.</summary>
    public const long Nowhere = -1;

    public int Length => length;

    /// <summary>The words, while they are in memory.</summary>
    public Chunk? Memory { get; set; }

    /// <summary>Their place in the file, in bytes, or <see cref="Nowhere"/>.</summary>
    public long Position { get; set; } = Nowhere;

    /// <summary>Whether the file does not have them as they are in memory.</summary>
    public bool IsChanged { get; set; }

    /// <summary>While above 0, the words stay in memory.</summary>
    public int Pins { get; set; }

    /// <summary>Its place among those that may be moved to the file, while it is one of them.</summary>
    public LinkedListNode<StoredChunk>? Movable { get; set; }
}
