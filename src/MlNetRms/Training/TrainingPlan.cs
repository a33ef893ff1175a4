using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>How long a training is: what the settings leave open is derived from the number of rows.</summary>
/// <param name="BatchSize">Most rows of a mini-batch.</param>
/// <param name="StepsPerEpoch">Mini-batches of an epoch.</param>
/// <param name="NumberOfEpochs">Passes over the rows.</param>
/// <param name="AveragedSteps">The returned weights are the mean over so many last steps; 0 for the last weights.</param>
internal readonly record struct TrainingPlan(int BatchSize, int StepsPerEpoch, int NumberOfEpochs, long AveragedSteps)
{
    /// <summary>Steps, not epochs, are what RMSProp needs to come near the optimum.</summary>
    private const int AutomaticSteps = 2000;

    /// <summary>Every row is seen at a high rate and again at a low one.</summary>
    private const int FewestEpochs = 2;

    /// <summary>
    /// Of a single epoch at least this share is averaged: the average is then about as good as least squares on its rows, which of n rows and d
    /// columns has an expected RMSE d/8n above that of all rows.
    /// </summary>
    private const double AveragedShareOfOne = 0.8;

    private const int ManyEpochs = 10;

    /// <summary>Over fewer steps the mean of the weights is hardly less noisy than the last ones.</summary>
    private const int FewestStepsPerPeriod = 100;

    public long TotalSteps => (long)StepsPerEpoch * NumberOfEpochs;

    /// <summary>The unit of patience: one epoch, or as many as make a hundred steps.</summary>
    public int EpochsPerPeriod => Divide.RoundUp(FewestStepsPerPeriod, StepsPerEpoch);

    /// <summary>Steps of the running average by which a training that may end early is judged: a period, but not more than the returned one has.</summary>
    public long RunningSteps => Math.Min(AveragedSteps, (long)EpochsPerPeriod * StepsPerEpoch);

    /// <summary>Epochs without an improvement after which early stopping ends training.</summary>
    public long PatienceInEpochs(StoppingSettings stopping) => (long)stopping.Patience * EpochsPerPeriod;

    /// <param name="rowCount">Rows to train on.</param>
    /// <param name="settings">What is wanted.</param>
    /// <param name="stepsBefore">Steps of the training that this one continues, where its average is to be continued too; else 0.</param>
    /// <param name="mayVisitOnce">Whether rows visited once are enough, where they make enough steps.</param>
    public static TrainingPlan Of(long rowCount, PlanSettings settings, long stepsBefore = 0, bool mayVisitOnce = false)
    {
        int batchSize = (int)Math.Min(settings.BatchSize, rowCount);
        int stepsPerEpoch = checked((int)Divide.RoundUp(rowCount, batchSize));
        int fewest = mayVisitOnce && settings.AveragedFraction is > 0 and < 1 ? 1 : FewestEpochs;
        int epochs = settings.NumberOfEpochs ?? Math.Max(fewest, Divide.RoundUp(AutomaticSteps, stepsPerEpoch));
        long steps = stepsBefore + (long)stepsPerEpoch * epochs;
        var averaged = (long)Math.Ceiling((double)settings.AveragedFraction * steps);
        // Over whole epochs the noise of the mini-batches cancels; of many epochs a part of one more does not matter.
        if (settings.NumberOfEpochs is null && epochs < ManyEpochs && averaged < steps)
            averaged = epochs == 1 ? Math.Max(averaged, (long)(AveragedShareOfOne * steps)) : Divide.RoundUp(averaged, stepsPerEpoch) * stepsPerEpoch;
        return new(batchSize, stepsPerEpoch, epochs, averaged);
    }
}
