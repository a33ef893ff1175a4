namespace MlNetRms.Training;

/// <summary>Early stopping: the best epoch so far, its weights, and whether to wait any longer for a better one.</summary>
/// <param name="patience">Epochs without an improvement after which training ends.</param>
/// <param name="minimumImprovement">How much smaller than the best a loss must be, relative to it.</param>
internal sealed class BestEpoch(long patience, float minimumImprovement)
{
    /// <summary>The best epoch so far; null before the first.</summary>
    public BestEpochState? State { get; set; }

    /// <summary>Takes in an epoch.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="loss">Its validation loss.</param>
    /// <param name="weights">The weights that were evaluated.</param>
    /// <returns>Whether to continue.</returns>
    public bool Add(int epoch, double loss, double[] weights)
    {
        // NaN never counts as an improvement.
        double evaluated = double.IsNaN(loss) ? double.PositiveInfinity : loss;
        if (State is not { } best || evaluated < best.Loss - minimumImprovement * Math.Abs(best.Loss))
        {
            State = new BestEpochState(epoch, evaluated, weights);
            return true;
        }
        return epoch - best.Epoch < patience;
    }
}
