namespace MlNetRms.Data;

/// <summary>How many rows were read, and how many of them were skipped, by reason.</summary>
internal record struct RowCounts(long Read, long BadLabel, long BadWeight, long BadFeatures)
{
    public readonly long Skipped => BadLabel + BadWeight + BadFeatures;

    /// <summary>Those of all parts of a job.</summary>
    /// <param name="job">The parts.</param>
    /// <param name="own">Those of this process's parts.</param>
    public static RowCounts Sum(JobParts job, IEnumerable<RowCounts> own)
    {
        double[] sums = job.Sum([.. own.Select(counts => new double[] { counts.Read, counts.BadLabel, counts.BadWeight, counts.BadFeatures })]);
        return new((long)sums[0], (long)sums[1], (long)sums[2], (long)sums[3]);
    }
}
