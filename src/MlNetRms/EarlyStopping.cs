namespace MlNetRms;

/// <summary>
/// Ends training when the validation loss no longer improves, and returns the weights of the best epoch.
/// </summary>
/// <remarks>
/// An epoch is evaluated with the weights that would be returned if training ended there: their running mean over the last one to two periods. A
/// period is one epoch, or as many as make 100 steps. Once training has reached the steps that it averages at its end
/// (<see cref="RmsPropRegressionTrainer.Options.AveragedFraction"/>), the mean is over these. The running mean never takes more steps than the whole
/// training would average: with an averaged fraction of 0, the last weights themselves, which oscillate around the optimum, are evaluated and
/// returned. A training that does not end early, and whose last epoch is the best, returns the same model as without early stopping.
/// </remarks>
public sealed record EarlyStopping
{
    /// <summary>
    /// Periods without an improvement after which training ends; a period is one epoch, or as many as make 100 steps. Default 10; at
    /// least 1. If there are too few epochs for that, <c>Fit</c> warns, and still returns the best epoch.
    /// </summary>
    public int Patience { get; init; } = 10;

    /// <summary>
    /// The share of the best validation loss so far by which a loss must be lower to count as an improvement. Default 0; in [0, 1).
    /// </summary>
    public float MinimumImprovement { get; init; }
}
