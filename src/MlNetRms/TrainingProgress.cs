namespace MlNetRms;

/// <summary>How far a training is; given to <see cref="RmsPropRegressionTrainer.Options.Progress"/> a few times a second.</summary>
public sealed record TrainingProgress
{
    internal TrainingProgress()
    {
    }

    /// <summary>What the training is doing.</summary>
    public required TrainingPhase Phase { get; init; }

    /// <summary>Share of the phase that is done, from 0 to 1; null while rows are read whose number the data does not know. The last
    /// report of a training has 1, also where training ended before its last epoch.</summary>
    public required double? ShareDone { get; init; }

    /// <summary>Number of the epoch that is under way, from 1; 0 while rows are read.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs that are planned; 0 while rows are read.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of all planned epochs; 0 while rows are read.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Rows read, or trained on, since the phase began. A row counts in each epoch.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows a second since the last report.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>Mean loss of the rows since the last report, in the units of <see cref="EpochReport.Loss"/>; null where there are none.</summary>
    public required double? RunningLoss { get; init; }

    /// <summary>Time since the phase began.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Time until the end of the phase at its mean pace so far; null where that is not known. Early stopping can end a training before.</summary>
    public required TimeSpan? TimeLeft { get; init; }

    /// <summary>What a line of a log needs.</summary>
    /// <returns>For example "Training 45 %: epoch 1 of 2, step 900 of 2000, loss 0.31, 1.2e+06 rows/s, 3.1 s left".</returns>
    public override string ToString()
    {
        string share = ShareDone is { } done ? FormattableString.Invariant($" {100 * done:f0} %") : "";
        string place = Phase == TrainingPhase.Reading ? FormattableString.Invariant($"{Rows} rows")
            : FormattableString.Invariant($"epoch {Epoch} of {NumberOfEpochs}, step {Step} of {TotalSteps}");
        string loss = RunningLoss is { } running ? FormattableString.Invariant($", loss {running:g6}") : "";
        string left = TimeLeft is { } time ? FormattableString.Invariant($", {time.TotalSeconds:f1} s left") : "";
        return FormattableString.Invariant($"{Phase}{share}: {place}{loss}, {RowsPerSecond:g3} rows/s{left}");
    }
}

/// <summary>What a training is doing.</summary>
public enum TrainingPhase
{
    /// <summary>The rows are read, the validation rows too.</summary>
    Reading,

    /// <summary>The weights are changed, step by step.</summary>
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
    /// Ends training after this epoch and keeps the model: the mean of the weights over about the last epoch (<see cref="EarlyStopping"/>
    /// says which steps), or with early stopping those of the best epoch.
    /// </summary>
    public void Stop() => IsStopRequested = true;
}
