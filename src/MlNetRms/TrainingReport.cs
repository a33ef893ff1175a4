namespace MlNetRms;

/// <summary>What happened while training: the settings that took effect, the rows, and each epoch.</summary>
public sealed record TrainingReport
{
    internal TrainingReport()
    {
    }

    /// <summary>
    /// The epochs, in order. Of a training of more than 10 000 epochs, some: the first, the last, and those between at even spacing.
    /// </summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>Why training ended.</summary>
    public required StopReason StopReason { get; init; }

    /// <summary>The epoch whose weights were returned: the best one with early stopping, else the last one.</summary>
    public required int ReturnedEpoch { get; init; }

    /// <summary>Largest number of rows in a mini-batch: the option, or the number of rows if that is less.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Steps (changes of the weights) in an epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Steps in all epochs that were planned.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Rows read from the data.</summary>
    public required long RowsRead { get; init; }

    /// <summary>Rows trained on.</summary>
    public required long RowsUsed { get; init; }

    /// <summary>Validation rows.</summary>
    public required long ValidationRows { get; init; }

    /// <summary>Rows skipped because the label was missing or infinite.</summary>
    public required long RowsSkippedForLabel { get; init; }

    /// <summary>Rows skipped because the example weight was missing, infinite, or not above 0.</summary>
    public required long RowsSkippedForWeight { get; init; }

    /// <summary>Rows skipped because a feature was missing or infinite.</summary>
    public required long RowsSkippedForFeatures { get; init; }

    /// <summary>Learning rate before the schedule as it took effect: the option over √(E / 5), with the mean squared length E of a row in training.</summary>
    public required float LearningRate { get; init; }

    /// <summary>λ of the L2 penalty as it took effect: the option, or what the data decided.</summary>
    public required float L2Regularization { get; init; }

    /// <summary>Number of features that were trained in decorrelated coordinates (<see cref="RmsPropRegressionTrainer.Options.Decorrelate"/>).</summary>
    public required int DecorrelatedFeatures { get; init; }

    /// <summary>
    /// Where the features were too many to be decorrelated: number of directions, such as that of a factor common to all, in which they vary so much
    /// more than in the others that training scaled them.
    /// </summary>
    public required int LeadingDirections { get; init; }

    /// <summary>Directions of the decorrelated features without variance of their own, in which nothing can be learned: one for each duplicate, for example.</summary>
    public required int DroppedDirections { get; init; }

    /// <summary>
    /// Condition number of the standardised features that are not sparse: the largest over the smallest standard deviation in any direction
    /// that was not dropped. Where training did not decorrelate, an estimate from below of the same size. Null where it was not computed:
    /// without standardisation, and for more than 512 such features.
    /// </summary>
    public required double? ConditionNumber { get; init; }

    /// <summary>Mean loss of the returned model on the training rows, without penalties, in the units of <see cref="EpochReport.Loss"/>.</summary>
    public required double TrainingLoss { get; init; }

    /// <summary>The same of the label's mean as the prediction for every row. A model whose loss is above it has learned nothing; <c>Fit</c> warns.</summary>
    public required double MeanPredictorLoss { get; init; }

    /// <summary>R² of the returned model on the training rows; below 0 the mean of the label predicts better. Null for a constant label.</summary>
    public required double? RSquared { get; init; }

    /// <summary>
    /// Standard deviation of the residuals on the training rows, in label units, corrected for the number of features. Null where there are
    /// not more rows than features.
    /// </summary>
    public required double? ResidualStandardDeviation { get; init; }

    /// <summary>Number of features that do not vary. With standardisation their weight is 0, and those that are always 0 take next to no memory.</summary>
    public required int ConstantFeatures { get; init; }

    /// <summary>Number of features kept as indices and values, because few rows have another value than 0 in them.</summary>
    public required int SparseFeatures { get; init; }

    /// <summary>Whether a step changed only those weights of sparse features that its batch touches; the model is the same but for rounding.</summary>
    internal bool UpdatedTouchedOnly { get; init; }

    /// <summary>Threads that took part in training.</summary>
    public required int NumberOfThreads { get; init; }

    /// <summary>Time to read, shuffle and standardise the rows.</summary>
    public required TimeSpan ReadingTime { get; init; }

    /// <summary>Time of the training steps.</summary>
    public required TimeSpan TrainingTime { get; init; }

    /// <summary>The training in a sentence, invariant culture.</summary>
    /// <returns>For example "Trained on 1000 rows (3 skipped) for 20 of 20 epochs, 2000 steps: loss 0.25, R² 0.94; 2 ms reading, 30 ms training".</returns>
    public override string ToString()
    {
        EpochReport last = Epochs[^1];
        string skipped = RowsSkippedForLabel + RowsSkippedForWeight + RowsSkippedForFeatures is > 0 and var count
            ? FormattableString.Invariant($" ({count} skipped)") : "";
        string stopped = StopReason == StopReason.AllEpochsCompleted ? "" : FormattableString.Invariant($" ({StopReason}, returned epoch {ReturnedEpoch})");
        string rSquared = RSquared is { } value ? FormattableString.Invariant($", R² {value:g4}") : "";
        return FormattableString.Invariant($"Trained on {RowsUsed} rows{skipped} for {last.Epoch} of {last.NumberOfEpochs} epochs{stopped}, {last.Step} steps: ") +
            FormattableString.Invariant($"loss {TrainingLoss:g6}{rSquared}; {ReadingTime.TotalMilliseconds:f0} ms reading, {TrainingTime.TotalMilliseconds:f0} ms training");
    }
}

/// <summary>What happened in one epoch.</summary>
public sealed record EpochReport
{
    internal EpochReport()
    {
    }

    /// <summary>Number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Of how many.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>Steps done since training began.</summary>
    public required long Step { get; init; }

    /// <summary>
    /// Mean loss over the epoch's rows, each row evaluated with the weights before its batch's step, without penalties. For the default loss:
    /// of ½·(ŷ − y)², in squared label units.
    /// </summary>
    public required double Loss { get; init; }

    /// <summary>
    /// Mean loss over the validation rows with the weights that would be returned if training ended here (a running mean, see
    /// <see cref="EarlyStopping"/>); null without validation rows.
    /// </summary>
    public required double? ValidationLoss { get; init; }

    /// <summary>Learning rate of the epoch's last step.</summary>
    public required float LearningRate { get; init; }

    /// <summary>Time since the first step of the training.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Rows trained on in the epoch, over the time it took.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>What a line of a log needs.</summary>
    /// <returns>For example "Epoch 3 of 20, step 300: loss 0.31, learning rate 0.01, 1.2e+06 rows/s, 0.1 s".</returns>
    public override string ToString()
    {
        string validation = ValidationLoss is { } loss ? FormattableString.Invariant($", validation loss {loss:g6}") : "";
        return FormattableString.Invariant($"Epoch {Epoch} of {NumberOfEpochs}, step {Step}: loss {Loss:g6}{validation}, ") +
            FormattableString.Invariant($"learning rate {LearningRate:g3}, {RowsPerSecond:g3} rows/s, {Elapsed.TotalSeconds:f1} s");
    }
}

/// <summary>Why training ended.</summary>
public enum StopReason
{
    /// <summary>All epochs were used.</summary>
    AllEpochsCompleted,

    /// <summary>The validation loss no longer improved (<see cref="EarlyStopping"/>).</summary>
    NoImprovement,

    /// <summary>The callback asked for it (<see cref="EpochProgress.Stop"/>).</summary>
    StoppedByCallback,
}
