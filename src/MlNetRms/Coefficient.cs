namespace MlNetRms;

/// <summary>One weight of a linear model.</summary>
/// <param name="Name">Slot name of the feature, or "Slot 3" if it has none.</param>
/// <param name="Weight">Change of the prediction per unit of the feature.</param>
/// <param name="WeightPerStandardDeviation">Change of the prediction per standard deviation of the feature over the training rows, in
/// label units; null where the training rows are not known, as for a loaded model.</param>
public sealed record Coefficient(string Name, float Weight, double? WeightPerStandardDeviation)
{
    /// <summary>
    /// Standard error of <see cref="Weight"/>, in its units, as least squares has it. Null where it does not apply or is not known: for a
    /// loaded model, another loss than the squared one, a penalty or bound, sparse features, or so much data that the
    /// covariance is that of a sample.
    /// </summary>
    public double? StandardError { get; init; }

    /// <summary><see cref="Weight"/> over <see cref="StandardError"/>; null where that is null or 0.</summary>
    public double? TValue => StandardError > 0 ? Weight / StandardError : null;
}
