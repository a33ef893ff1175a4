namespace MlNetRms.Data;

/// <summary>What the rows of all parts of a job add up to as they were read.</summary>
/// <param name="Counts">How many rows were read and skipped.</param>
/// <param name="Weights">The weights of the rows to train on.</param>
/// <param name="RowsSetAside">Rows that evaluate each epoch.</param>
/// <param name="Moments">Of the training rows' columns and, behind them, the label.</param>
internal sealed record IntakeSums(RowCounts Counts, ExampleWeights Weights, long RowsSetAside, ColumnMoments Moments)
{
    /// <param name="job">All parts.</param>
    /// <param name="own">This process's parts.</param>
    public static IntakeSums Of(JobParts job, IReadOnlyList<RowIntake> own)
    {
        if (job.Count == 1)
            return new(own[0].Reader.Counts, own[0].Training.Weights, own[0].SetAside.RowCount, own[0].Moments);
        var counts = RowCounts.Sum(job, own.Select(intake => intake.Reader.Counts));
        long setAside = (long)job.Sum([.. own.Select(intake => new double[] { intake.SetAside.RowCount })])[0];
        ExampleWeights weights = default;
        foreach (double[] numbers in job.InTurn([.. own.Select(intake => intake.Training.Weights.ToNumbers())]))
            weights.Add(numbers);
        int rowLength = RowBlock.RowLengthOf(own[0].Reader.FeatureCount);
        int columnCount = own[0].Reader.FeatureCount + 1;
        var moments = new ColumnMoments(rowLength, columnCount);
        foreach (double[] numbers in job.InTurn(part => own[part].Moments.ToNumbers(), ColumnMoments.CountOfNumbers(columnCount)))
            moments.Merge(ColumnMoments.Of(numbers, rowLength, columnCount));
        return new(counts, weights, setAside, moments);
    }
}
