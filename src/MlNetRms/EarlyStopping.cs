using MlNetRms.Settings;

namespace MlNetRms;

/// <summary>
/// Ends training when the validation loss no longer improves, and returns the weights of the best epoch.
/// </summary>
/// <remarks>
/// An epoch is evaluated with the weights that would be returned if training ended there: the current ones, or their average
/// once averaging has begun. A learning rate that falls to zero lowers the loss most in the last epochs, so with such a
/// schedule early stopping chooses an epoch but seldom saves time; to save time use
/// <see cref="LearningRateSchedule.Constant"/>.
/// </remarks>
public sealed record EarlyStopping
{
    /// <summary>Epochs without an improvement after which training ends. Default 10; at least 1.</summary>
    public int Patience { get; init; } = 10;

    /// <summary>
    /// How much smaller than the best so far a validation loss must be to count as an improvement, relative to it. Default
    /// 0; in [0, 1).
    /// </summary>
    public float MinimumImprovement { get; init; }

    internal void Validate()
    {
        Require.AtLeastOne(Patience, nameof(Patience));
        Require.InUnitInterval(MinimumImprovement, nameof(MinimumImprovement));
    }
}
