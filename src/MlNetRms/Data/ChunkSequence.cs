namespace MlNetRms.Data;

/// <summary>Chunks that will be read one after the other: they are side by side in the file too, a few at least.</summary>
internal sealed class ChunkSequence
{
    /// <summary>Where its next chunk goes.</summary>
    public FileExtent? Open { get; set; }
}
