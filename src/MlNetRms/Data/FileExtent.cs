namespace MlNetRms.Data;

/// <summary>Places of one length that lie side by side in a file.</summary>
internal sealed class FileExtent(long start, long placeBytes, int placeCount)
{
    private int _taken;
    private int _inUse;

    /// <summary>Who may take its places; null while it is free.</summary>
    public ChunkSequence? Owner { get; set; }

    public int PlaceCount => placeCount;

    public bool IsFull => _taken == placeCount;

    /// <summary>The next place, in bytes from the beginning of the file.</summary>
    public long Take()
    {
        _inUse++;
        return start + _taken++ * placeBytes;
    }

    /// <summary>Gives one place up.</summary>
    /// <returns>Whether that was the last: all places can be taken again.</returns>
    public bool Free()
    {
        if (--_inUse > 0)
            return false;
        _taken = 0;
        Owner = null;
        return true;
    }
}
