namespace MlNetRms;

/// <summary>
/// Ends training when the validation loss no longer improves, and returns the weights of the best epoch.
/// </summary>
/// <remarks>
/// An epoch is evaluated with the weights that would be returned if training ended there. These are their running mean over the last one to two
/// periods or, once the steps have begun over which a whole training averages (<see cref="RmsPropRegressionTrainer.Options.AveragedFraction"/>), the
/// mean over those. A period is one epoch, or as many as make 100 steps. The running mean never takes more steps than the whole training would
/// average: with an averaged fraction of 0, the last weights themselves, which hover around the optimum, are evaluated and returned.
/// A training that is not ended early, and whose last epoch is the best, returns what it would without early stopping.
/// </remarks>
public sealed record EarlyStopping
{
    /// <summary>
    /// Periods without an improvement after which training ends; a period is one epoch, or as many as make 100 steps. Default 10; at
    /// least 1. If the planned epochs are too few for it, <c>Fit</c> warns, and still returns the best epoch.
    /// </summary>
    public int Patience { get; init; } = 10;

    /// <summary>
    /// By what share of the best validation loss so far a loss must be below it to count as an improvement. Default 0; in [0, 1).
    /// </summary>
    public float MinimumImprovement { get; init; }
}
