namespace MlNetRms;

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
