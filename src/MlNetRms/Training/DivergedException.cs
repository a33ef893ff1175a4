namespace MlNetRms.Training;

/// <summary>The loss, the weights or the mean square of the gradients became infinite or NaN: where it happened.</summary>
internal sealed class DivergedException(int epoch, long step, float learningRate) : Exception
{
    public int Epoch { get; } = epoch;

    public long Step { get; } = step;

    public float LearningRate { get; } = learningRate;
}
