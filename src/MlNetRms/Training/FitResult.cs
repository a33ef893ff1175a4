namespace MlNetRms.Training;

/// <summary>What a training gave.</summary>
/// <param name="Weights">The weights to return: of all columns, then the bias, in the units of training.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="ReturnedEpoch">The epoch whose weights were returned.</param>
/// <param name="State">All that a later training needs to continue.</param>
internal sealed record FitResult(double[] Weights, StopReason StopReason, int ReturnedEpoch, TrainingState State);
