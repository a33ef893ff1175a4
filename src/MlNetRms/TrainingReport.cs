namespace MlNetRms;

/// <summary>What happened in one epoch.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="NumberOfEpochs">Of how many.</param>
/// <param name="Step">Steps done since training began.</param>
/// <param name="Loss">Mean loss over the epoch's rows, each row judged by the weights before its batch's step, without
/// penalties. For the default loss: of ½·(ŷ − y)², in squared label units.</param>
/// <param name="ValidationLoss">Mean loss over the validation rows by the weights that would be returned if training ended
/// here, with the bias as trained; null without validation rows.</param>
/// <param name="LearningRate">Learning rate of the epoch's last step.</param>
/// <param name="Elapsed">Time since the first step of the training.</param>
/// <param name="RowsPerSecond">Rows trained on in the epoch, over the time it took.</param>
public sealed record EpochReport(
    int Epoch, int NumberOfEpochs, long Step, double Loss, double? ValidationLoss, float LearningRate, TimeSpan Elapsed, double RowsPerSecond);

/// <summary>Passed to <see cref="RmsPropRegressionTrainer.Options.EpochCompleted"/> after each epoch.</summary>
public sealed class EpochProgress
{
    internal EpochProgress(EpochReport report) => Report = report;

    /// <summary>What happened in the epoch.</summary>
    public EpochReport Report { get; }

    internal bool IsStopRequested { get; private set; }

    /// <summary>Ends training after this epoch and keeps the model.</summary>
    public void Stop() => IsStopRequested = true;
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

/// <summary>How the weights of sparse features are updated. The result is the same but for rounding; the speed is not.</summary>
public enum SparseUpdates
{
    /// <summary>No feature is kept sparse.</summary>
    None,

    /// <summary>A step changes the weights its batch touches, and brings their state up to date first.</summary>
    TouchedWeights,

    /// <summary>A step changes every weight: momentum at a changing rate, a penalty, a bound or clipping acts on weights that no row of the batch touches.</summary>
    AllWeights,
}

/// <summary>What happened while training: the settings that took effect, the rows, and each epoch.</summary>
public sealed record TrainingReport
{
    internal TrainingReport()
    {
    }

    /// <summary>The epochs, in order.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>Why training ended.</summary>
    public required StopReason StopReason { get; init; }

    /// <summary>The epoch after which the returned weights stood: the best one with early stopping, else the last one.</summary>
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

    /// <summary>Rows that judged the epochs and were not trained on.</summary>
    public required long ValidationRows { get; init; }

    /// <summary>Rows skipped because the label was missing or infinite.</summary>
    public required long RowsSkippedForLabel { get; init; }

    /// <summary>Rows skipped because the example weight was missing, infinite, or not above 0.</summary>
    public required long RowsSkippedForWeight { get; init; }

    /// <summary>Rows skipped because a feature was missing or infinite.</summary>
    public required long RowsSkippedForFeatures { get; init; }

    /// <summary>Number of features that do not vary. With standardisation their weight is 0.</summary>
    public required int ConstantFeatures { get; init; }

    /// <summary>Number of features kept as indices and values, because few rows have another value than 0 in them.</summary>
    public required int SparseFeatures { get; init; }

    /// <summary>How the weights of the sparse features were updated.</summary>
    public required SparseUpdates SparseUpdates { get; init; }

    /// <summary>Threads that took part in training.</summary>
    public required int NumberOfThreads { get; init; }

    /// <summary>Time to read, shuffle and standardise the rows.</summary>
    public required TimeSpan ReadingTime { get; init; }

    /// <summary>Time of the training steps.</summary>
    public required TimeSpan TrainingTime { get; init; }
}
