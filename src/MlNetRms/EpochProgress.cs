namespace MlNetRms;

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
