namespace MlNetRms;

/// <summary>One weight of a linear model.</summary>
public sealed record Coefficient
{
    internal Coefficient()
    {
    }

    /// <summary>Slot name of the feature, or "Slot 3" if it has none.</summary>
    public required string Name { get; init; }

    /// <summary>Change of the prediction per unit of the feature.</summary>
    public required float Weight { get; init; }

    /// <summary>
    /// Change of the prediction per standard deviation of the feature over the training rows, in label units; null where the training rows are
    /// not known, as for a loaded model.
    /// </summary>
    public required double? WeightPerStandardDeviation { get; init; }

    /// <summary>
    /// Standard error of <see cref="Weight"/>, in its units, as least squares has it. Null where it does not apply or is not known: for a
    /// loaded model, another loss than the squared one, a penalty or bound, sparse features, or so much data that the
    /// covariance is that of a sample.
    /// </summary>
    public double? StandardError { get; init; }

    /// <summary><see cref="Weight"/> over <see cref="StandardError"/>; null where that is null or 0.</summary>
    public double? TValue => StandardError > 0 ? Weight / StandardError : null;

    /// <summary>Name, weight and, where it is known, standard error; invariant culture.</summary>
    /// <returns>For example "Area: 12.5 ± 0.3".</returns>
    public override string ToString() =>
        FormattableString.Invariant($"{Name}: {Weight:g6}") + (StandardError is { } error ? FormattableString.Invariant($" ± {error:g3}") : "");
}
