namespace MlNetRms.Data;

/// <summary>How many rows were read, and how many of them were skipped, by reason.</summary>
internal record struct RowCounts(long Read, long BadLabel, long BadWeight, long BadFeatures)
{
    public readonly long Skipped => BadLabel + BadWeight + BadFeatures;
}
