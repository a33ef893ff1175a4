namespace MlNetRms.Settings;

/// <summary>What the training plan is made from, together with the number of rows; null epochs are derived from it.</summary>
internal sealed record PlanSettings(
    int BatchSize, int? NumberOfEpochs, float AveragedFraction, bool Shuffle, int Seed, float InitialWeightsStandardDeviation, int NumberOfThreads);
