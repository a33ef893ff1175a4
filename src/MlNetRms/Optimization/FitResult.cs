namespace MlNetRms.Optimization;

/// <summary>How long a training is: what the options leave open is settled by the number of rows.</summary>
internal readonly record struct TrainingLength(int BatchSize, int StepsPerEpoch, int NumberOfEpochs)
{
    /// <summary>Steps, not epochs, are what RMSProp needs to come near the optimum; fewer than this fail on ill-conditioned data.</summary>
    private const int AutomaticSteps = 10_000;

    public long TotalSteps => (long)StepsPerEpoch * NumberOfEpochs;

    public static TrainingLength Of(long rowCount, RmsPropRegressionTrainer.Options options)
    {
        int batchSize = (int)Math.Min(options.BatchSize, rowCount);
        int stepsPerEpoch = checked((int)((rowCount + batchSize - 1) / batchSize));
        int automaticEpochs = Math.Max(1, (AutomaticSteps + stepsPerEpoch - 1) / stepsPerEpoch);
        return new(batchSize, stepsPerEpoch, options.NumberOfEpochs ?? automaticEpochs);
    }
}

/// <summary>Weights and bias in the units of the stored rows; weights in the order of the original columns.</summary>
internal readonly record struct LinearWeights(double[] Weights, double Bias);

/// <summary>What an epoch gave. Losses are means in the units of training.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Of the epoch's rows, each before its batch's step.</param>
/// <param name="ValidationLoss">Of the validation rows after the epoch, or null.</param>
/// <param name="LearningRate">Of the last step.</param>
internal readonly record struct EpochResult(int Epoch, long Step, double Loss, double? ValidationLoss, float LearningRate);

/// <summary>What a training gave.</summary>
/// <param name="Weights">The weights to return.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="ReturnedEpoch">The epoch after which the returned weights stood.</param>
/// <param name="State">Where it stands.</param>
internal sealed record FitResult(LinearWeights Weights, StopReason StopReason, int ReturnedEpoch, TrainedState State);

/// <summary>The loss, the weights or the mean square of the gradients became infinite or NaN: where it happened.</summary>
internal sealed class DivergedException(int epoch, long step, float learningRate) : Exception
{
    public int Epoch { get; } = epoch;

    public long Step { get; } = step;

    public float LearningRate { get; } = learningRate;
}
