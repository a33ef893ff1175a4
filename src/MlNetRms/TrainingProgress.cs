namespace MlNetRms;

/// <summary>Progress of a training, reported to <see cref="RmsPropRegressionTrainer.Options.Progress"/> a few times a second.</summary>
public sealed record TrainingProgress
{
    internal TrainingProgress()
    {
    }

    /// <summary>What the training is doing.</summary>
    public required TrainingPhase Phase { get; init; }

    /// <summary>Completed fraction of the phase, from 0 to 1; null during reading if the number of rows is unknown. It is
    /// 1 in the last report, even if training ended before its last epoch.</summary>
    public required double? ShareDone { get; init; }

    /// <summary>Number of the current epoch, from 1; 0 during reading.</summary>
    public required int Epoch { get; init; }

    /// <summary>Planned epochs; 0 during reading.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of all planned epochs; 0 during reading.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Rows read, or trained on, since the phase began. A row counts once per epoch.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows per second since the last report.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>Mean loss of the rows since the last report, in the units of <see cref="EpochReport.Loss"/>; null if there are none.</summary>
    public required double? RunningLoss { get; init; }

    /// <summary>Time since the phase began.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>
    /// Estimated time to the end of the phase, from its average speed so far; null if unknown. Early stopping can end training sooner.
    /// </summary>
    public required TimeSpan? TimeLeft { get; init; }

    /// <summary>One line for a log.</summary>
    /// <returns>For example "Training 45 %: epoch 1 of 2, step 900 of 2000, loss 0.31, 1.2e+06 rows/s, 3.1 s left".</returns>
    public override string ToString()
    {
        string share = ShareDone is { } done ? FormattableString.Invariant($" {100 * done:f0} %") : "";
        string position = Phase == TrainingPhase.Reading ? FormattableString.Invariant($"{Rows} rows")
            : FormattableString.Invariant($"epoch {Epoch} of {NumberOfEpochs}, step {Step} of {TotalSteps}");
        string loss = RunningLoss is { } running ? FormattableString.Invariant($", loss {running:g6}") : "";
        string left = TimeLeft is { } time ? FormattableString.Invariant($", {time.TotalSeconds:f1} s left") : "";
        return FormattableString.Invariant($"{Phase}{share}: {position}{loss}, {RowsPerSecond:g3} rows/s{left}");
    }
}

/// <summary>What a training is doing.</summary>
public enum TrainingPhase
{
    /// <summary>Reading the training and validation rows.</summary>
    Reading,

    /// <summary>Updating the weights, step by step.</summary>
    Training,
}

/// <summary>Passed to <see cref="RmsPropRegressionTrainer.Options.EpochCompleted"/> after each epoch.</summary>
public sealed class EpochProgress
{
    internal EpochProgress(EpochReport report) => Report = report;

    /// <summary>What happened in the epoch.</summary>
    public EpochReport Report { get; }

    /// <inheritdoc/>
    public override string ToString() => Report.ToString();

    internal bool IsStopRequested { get; private set; }

    /// <summary>
    /// Ends training after this epoch. <c>Fit</c> then returns the mean of the weights over about the last epoch (see
    /// <see cref="EarlyStopping"/> for the exact steps), unless an earlier round was nearer to the optimum; with early stopping, the weights of the
    /// best epoch.
    /// </summary>
    public void Stop() => IsStopRequested = true;
}
