namespace MlNetRms;

/// <summary>
/// Ends training when the validation loss no longer improves, and returns the weights of the best epoch.
/// </summary>
/// <remarks>
/// An epoch is evaluated with the weights that would be returned if training ended there: their running mean over the last one to two
/// periods, and from where a whole training averages (<see cref="RmsPropRegressionTrainer.Options.AveragedFraction"/>) over
/// those steps. A period is one epoch, or as many as make 100 steps; the running mean never takes more steps than the whole training would
/// average, so with an averaged fraction of 0 single weights, which hover around the optimum, are evaluated and returned.
/// A training that is not ended early returns what it would without early stopping if its last epoch is the best.
/// </remarks>
public sealed record EarlyStopping
{
    /// <summary>
    /// Periods without an improvement after which training ends; a period is one epoch, or as many as make 100 steps. Default 10; at
    /// least 1. <c>Fit</c> warns where the planned epochs are too few for it: the best epoch is then still returned.
    /// </summary>
    public int Patience { get; init; } = 10;

    /// <summary>
    /// How much smaller than the best so far a validation loss must be to count as an improvement, relative to it. Default
    /// 0; in [0, 1).
    /// </summary>
    public float MinimumImprovement { get; init; }
}
