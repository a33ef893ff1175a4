using System.Runtime.CompilerServices;

namespace MlNetRms.Training;

/// <summary>How the rows of one part are divided among the batches of an epoch.</summary>
/// <param name="Number">The part's number in the job.</param>
/// <param name="RowCount">Its rows.</param>
/// <param name="BatchCount">Batches of an epoch.</param>
/// <param name="FirstLong">The first of the batches that have one of its rows more than the others, should the rows not divide evenly; those after it
/// follow, beyond the last batch those from the first on.</param>
internal readonly record struct PartOfBatches(int Number, long RowCount, int BatchCount, int FirstLong)
{
    // Asked for in every step: a division takes as long as all the rest.
    private readonly long _shortRun = RowCount / BatchCount;
    private readonly long _longRuns = RowCount % BatchCount;
    private readonly long _longAtTheFirst = Math.Max(FirstLong + RowCount % BatchCount - BatchCount, 0);

    /// <summary>Where the rows of a batch begin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Boundary(long batch) =>
        batch * _shortRun + Math.Min(Math.Max(batch - FirstLong, 0), _longRuns) + Math.Min(batch, _longAtTheFirst);
}
