namespace MlNetRms.Training;

/// <summary>How well the returned weights fit the training rows.</summary>
/// <param name="Loss">Mean loss over the rows, in the units of the reports.</param>
/// <param name="ConstantLoss">The same of the prediction ȳ for every row.</param>
/// <param name="RSquared">1 − Σ c·(y − ŷ)² / Σ c·(y − ȳ)²; null where the label is constant.</param>
/// <param name="ResidualStandardDeviation">√(Σ c·(y − ŷ)² / (n − p − 1)) in label units; null with fewer rows than that.</param>
/// <param name="StandardErrors">Of the raw weights by column; null where they do not apply.</param>
internal sealed record FitStatistics(
    double Loss, double ConstantLoss, double? RSquared, double? ResidualStandardDeviation, double[]? StandardErrors);
