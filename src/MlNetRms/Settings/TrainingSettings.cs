using MlNetRms.MlNet;

namespace MlNetRms.Settings;

/// <summary>The options of a trainer, read once: one immutable record for each room, holding what that room needs.</summary>
internal sealed record TrainingSettings(
    ColumnSettings Columns,
    ReadingSettings Reading,
    PlanSettings Plan,
    RuleSettings Rule,
    LearningRateSettings LearningRate,
    LossSettings Loss,
    PenaltySettings Penalties,
    bool? Decorrelate,
    StoppingSettings? Stopping,
    CheckpointSettings? Checkpoint,
    bool HasEpochCallback)
{
    private const double AutomaticMemoryShare = 0.5;

    /// <param name="options">Checked options.</param>
    /// <param name="contextSeed">The seed where the options have none.</param>
    public static TrainingSettings From(RmsPropRegressionTrainer.Options options, int? contextSeed = null)
    {
        int seed = options.Seed ?? contextSeed ?? 0;
        var penalties = new PenaltySettings(options.L2Regularization, options.L1Regularization, options.NonNegativeWeights, options.GradientClippingNorm);
        bool mayDecorrelate = options.Standardize && options.Decorrelate != false && !penalties.NeedsWeights;
        return new(
            new ColumnSettings(options.FeatureColumnName, options.LabelColumnName, options.ExampleWeightColumnName),
            new ReadingSettings(options.Standardize, mayDecorrelate, options.Shuffle, seed, options.ValidationFraction, Threads(options),
                options.MemoryLimitInBytes ?? (long)(AutomaticMemoryShare * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), options.TemporaryDirectory),
            new PlanSettings(options.BatchSize, options.NumberOfEpochs, options.AveragedFraction, options.Shuffle, seed,
                options.InitialWeightsStandardDeviation, Threads(options)),
            new RuleSettings(options.Alpha, options.Epsilon, options.EpsilonPlacement, options.BiasCorrection, options.Momentum, options.Centered),
            new LearningRateSettings(options.LearningRate, options.LearningRateSchedule),
            LossFunctions.Bind(options.LossFunction),
            penalties,
            options.Decorrelate,
            options.EarlyStopping is { } stopping ? new StoppingSettings(stopping.Patience, stopping.MinimumImprovement) : null,
            options.Checkpoint is { } checkpoint
                ? new CheckpointSettings(Path.GetFullPath(checkpoint.Path), checkpoint.EveryEpochs, checkpoint.Interval, checkpoint.Keep) : null,
            options.EpochCompleted is not null);
    }

    private static int Threads(RmsPropRegressionTrainer.Options options) => options.NumberOfThreads ?? Environment.ProcessorCount;
}
