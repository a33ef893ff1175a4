namespace MlNetRms.Data;

/// <summary>Where row memory comes from: the only place that asks the operating system for it.</summary>
internal interface ISlabAllocator
{
    /// <summary>Words in a usual slab.</summary>
    int SlabLength { get; }

    /// <param name="length">Words that are needed.</param>
    /// <returns>A slab of at least that many words.</returns>
    Slab Allocate(long length);
}
