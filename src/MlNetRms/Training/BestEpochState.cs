namespace MlNetRms.Training;

/// <summary>The epoch with the lowest validation loss so far, and its weights by column, the bias last.</summary>
internal sealed record BestEpochState(int Epoch, double Loss, double[] Weights);
