namespace MlNetRms.Data;

/// <summary>Which places of a file are taken.</summary>
/// <param name="usualLength">Words of most chunks; those of one sequence share an extent.</param>
internal sealed class FilePlaces(int usualLength)
{
    /// <summary>So many make 1 MiB or more, which costs a disk more time to read than to find. A short sequence takes fewer.</summary>
    private const int MostPlacesPerExtent = 16;

    private readonly Dictionary<int, Stack<FileExtent>> _free = [];
    private long _used;

    /// <summary>Bytes of the file, those included that have not been written to yet.</summary>
    public long Length { get; private set; }

    /// <summary>Most bytes that were taken at once.</summary>
    public long MostUsed { get; private set; }

    /// <summary>Gives a chunk a place behind the last one of its sequence, or in another extent.</summary>
    public void Take(StoredChunk chunk)
    {
        FileExtent? extent = chunk.Sequence.Open;
        if (chunk.Length != usualLength)
            extent = NewExtent(chunk.Length, places: 1);
        else if (extent is null || extent.IsFull || extent.Owner != chunk.Sequence)
            extent = chunk.Sequence.Open = NewExtent(chunk.Length, Math.Min(2 * extent?.PlaceCount ?? 1, MostPlacesPerExtent));
        extent.Owner = chunk.Sequence;
        chunk.Extent = extent;
        chunk.Position = extent.Take();
        _used += PlaceBytes(chunk.Length);
        MostUsed = Math.Max(MostUsed, _used);
    }

    /// <summary>Lets the place of a chunk, if it has one, be used by others.</summary>
    public void Free(StoredChunk chunk)
    {
        if (chunk.Extent is null)
            return;
        _used -= PlaceBytes(chunk.Length);
        if (chunk.Extent.Free())
        {
            if (!_free.TryGetValue(chunk.Length, out Stack<FileExtent>? extents))
                _free.Add(chunk.Length, extents = []);
            extents.Push(chunk.Extent);
        }
        chunk.Extent = null;
    }

    private FileExtent NewExtent(int length, int places)
    {
        if (_free.TryGetValue(length, out Stack<FileExtent>? extents) && extents.TryPop(out FileExtent? free))
            return free;
        long start = Length;
        Length += places * PlaceBytes(length);
        return new FileExtent(start, PlaceBytes(length), places);
    }

    private static long PlaceBytes(int length) => (long)length * sizeof(float);
}
