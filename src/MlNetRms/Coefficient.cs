namespace MlNetRms;

/// <summary>One weight of a linear model.</summary>
/// <param name="Name">Slot name of the feature, or "Slot 3" if it has none.</param>
/// <param name="Weight">Change of the prediction per unit of the feature.</param>
/// <param name="WeightPerStandardDeviation">Change of the prediction per standard deviation of the feature over the training rows, in
/// label units; null where the training rows are not known, as for a loaded model.</param>
public sealed record Coefficient(string Name, float Weight, double? WeightPerStandardDeviation);
