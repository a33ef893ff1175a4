namespace MlNetRms;

/// <summary>What happened during training: the settings that took effect, the rows, and each epoch.</summary>
public sealed record TrainingReport
{
    internal TrainingReport()
    {
    }

    /// <summary>
    /// The epochs, in order. If there were more than 10 000, only some: the first, the last, and evenly spaced ones in between.
    /// </summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>Why training ended.</summary>
    public required StopReason StopReason { get; init; }

    /// <summary>The epoch whose weights were returned: the best one with early stopping, else the last one.</summary>
    public required int ReturnedEpoch { get; init; }

    /// <summary>Largest number of rows in a mini-batch: the option, or the number of rows if that is less.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Steps (updates of the weights) per epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Steps in all planned epochs.</summary>
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

    /// <summary>
    /// Effective learning rate before the schedule: the option divided by √(E / 5), where E is the mean squared length of a row in the coordinates
    /// of the training.
    /// </summary>
    public required float LearningRate { get; init; }

    /// <summary>Effective λ of the L2 penalty: the option, or the automatic value if the option is null.</summary>
    public required float L2Regularization { get; init; }

    /// <summary>
    /// Number of features that were trained in decorrelated coordinates (<see cref="RmsPropRegressionTrainer.Options.Decorrelate"/>).
    /// </summary>
    public required int DecorrelatedFeatures { get; init; }

    /// <summary>
    /// Number of directions of the decorrelated features without variance beyond the rounding of floats, for example one per duplicate feature.
    /// Nothing is learned in them. If the label depends on one all the same, <c>Fit</c> warns.
    /// </summary>
    public required int DroppedDirections { get; init; }

    /// <summary>
    /// Condition number of the standardised dense features: the largest standard deviation in any direction, divided by the smallest one that was
    /// not dropped. It leaves out <see cref="DroppedDirections"/>, with which it would be that of rounding errors, or infinite. It is computed from
    /// the eigenvalues of their covariance, with or without decorrelation; if there are very many rows, from a sample of them. Null without
    /// standardisation and for more than 512 dense features.
    /// </summary>
    public required double? ConditionNumber { get; init; }

    /// <summary>
    /// Mean loss of the returned model's scores on the training rows, without penalties, in the units of <see cref="EpochReport.Loss"/>. What the
    /// rounding of weights and scores to float adds is measured on up to a thousand rows.
    /// </summary>
    public required double TrainingLoss { get; init; }

    /// <summary>
    /// The same for a model that predicts the mean label in every row. If <see cref="TrainingLoss"/> is above it, the model has learned nothing,
    /// and <c>Fit</c> warns.
    /// </summary>
    public required double MeanPredictorLoss { get; init; }

    /// <summary>R² of the model's scores on the training rows; if it is below 0, the mean label predicts better. Null for a constant label.</summary>
    public required double? RSquared { get; init; }

    /// <summary>
    /// Standard deviation of the residuals of the scores on the training rows, in label units, corrected for the number of features. Null unless
    /// there are more rows than features.
    /// </summary>
    public required double? ResidualStandardDeviation { get; init; }

    /// <summary>
    /// How far the returned model is from the optimum. Null if that cannot be measured: with an L1 penalty and another loss than the squared one, and
    /// for a loss that is not convex.
    /// </summary>
    public required OptimalityGap? OptimalityGap { get; init; }

    /// <summary>How the algorithm got to its result.</summary>
    public required TrainingDiagnostics Diagnostics { get; init; }

    /// <summary>
    /// Number of features that are constant. With standardisation their weights are 0; those that are always 0 take almost no memory.
    /// </summary>
    public required int ConstantFeatures { get; init; }

    /// <summary>Number of features stored as indices and values, because they are 0 in most rows.</summary>
    public required int SparseFeatures { get; init; }

    /// <summary>Whether a step updated only the weights of sparse features with a value in its batch. The model differs by rounding only.</summary>
    internal bool UpdatedLazily { get; init; }

    /// <summary>Threads used in training.</summary>
    public required int NumberOfThreads { get; init; }

    /// <summary>Time to read, shuffle and standardise the rows.</summary>
    public required TimeSpan ReadingTime { get; init; }

    /// <summary>Time of the training steps.</summary>
    public required TimeSpan TrainingTime { get; init; }

    /// <summary>The training in a sentence, invariant culture.</summary>
    /// <returns>For example "Trained on 1000 rows (3 skipped) for 20 of 20 epochs, 2000 steps: loss 0.25, R² 0.94, 0.0003 % above the least RMSE; 2
    /// ms reading, 30 ms training".</returns>
    public override string ToString()
    {
        EpochReport last = Epochs[^1];
        string skipped = RowsSkippedForLabel + RowsSkippedForWeight + RowsSkippedForFeatures is > 0 and var count
            ? FormattableString.Invariant($" ({count} skipped)") : "";
        string stopped = StopReason == StopReason.AllEpochsCompleted ? ""
            : FormattableString.Invariant($" ({StopReason}, returned epoch {ReturnedEpoch})");
        string rSquared = RSquared is { } value ? FormattableString.Invariant($", R² {value:g4}") : "";
        string gap = OptimalityGap is null ? "" : $", {OptimalityGap}";
        return FormattableString.Invariant($"Trained on {RowsUsed} rows{skipped} for {last.Epoch} of {last.NumberOfEpochs} epochs{stopped}, ") +
            FormattableString.Invariant($"{last.Step} steps: loss {TrainingLoss:g6}") +
            FormattableString.Invariant(
                $"{rSquared}{gap}; {ReadingTime.TotalMilliseconds:f0} ms reading, {TrainingTime.TotalMilliseconds:f0} ms training");
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

    /// <summary>Planned epochs.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>Steps done since training began.</summary>
    public required long Step { get; init; }

    /// <summary>
    /// Mean loss over the epoch's rows, without penalties; each row is evaluated with the weights before its batch's step. With the default
    /// loss it is the mean of ½·(ŷ − y)², in squared label units.
    /// </summary>
    public required double Loss { get; init; }

    /// <summary>
    /// Mean loss over the validation rows, with the weights that <c>Fit</c> would return if training ended here (a running mean, see
    /// <see cref="EarlyStopping"/>). Null without validation rows.
    /// </summary>
    public required double? ValidationLoss { get; init; }

    /// <summary>Learning rate of the epoch's last step.</summary>
    public required float LearningRate { get; init; }

    /// <summary>Time since the first step of the training.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Rows trained on per second in the epoch.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>One line for a log.</summary>
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
    /// <summary>All planned epochs were completed.</summary>
    AllEpochsCompleted,

    /// <summary>The validation loss no longer improved (<see cref="EarlyStopping"/>).</summary>
    NoImprovement,

    /// <summary>The callback asked for it (<see cref="EpochProgress.Stop"/>).</summary>
    StoppedByCallback,
}
