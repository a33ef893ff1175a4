using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Support;

/// <summary>Trainings that differ in the state they keep from step to step.</summary>
internal static class TrainingForms
{
    public static Examples Dense { get; } = Some.Linear(1, 300, [1, 10, 0.1, 3], means: [5, 0, 1, 0], noise: 2);
    public static Examples Sparse { get; } = Some.MostlyZero(1, 700, 2, 330, 3);
    private static readonly Examples _common = Some.WithFactors(1, 300, 520, [0.5]);
    private static readonly Examples _fewRows = Some.Linear(1, 90, 25, noise: 3);

    /// <summary>Rows and new options, by name.</summary>
    public static IReadOnlyDictionary<string, (Examples Rows, Func<Options> Options)> All { get; } =
        new Dictionary<string, (Examples Rows, Func<Options> Options)>()
        {
            ["dense"] = (Dense, () => new()),
            ["lazy weights"] = (Sparse, () => new()),
            ["lazy weights with momentum"] =
                (Sparse, () => new() { Momentum = 0.9f, LearningRate = 0.003f, LearningRateSchedule = LearningRateSchedule.Constant }),
            ["lazy weights, centered"] = (Sparse, () => new() { Centered = true, LearningRate = 0.01f }),
            ["all weights of sparse columns"] = (Sparse, () => new() { Momentum = 0.9f, LearningRate = 0.003f }),
            ["momentum"] = (Dense, () => new() { Momentum = 0.9f, LearningRate = 0.003f }),
            ["centered"] = (Dense, () => new() { Centered = true, BiasCorrection = false, LearningRate = 0.01f }),
            ["validation"] = (Dense, () => new() { ValidationFraction = 0.3f }),
            ["early stopping"] = (_fewRows, () => new()
            {
                EarlyStopping = new() { Patience = 1 },
                ValidationFraction = 0.5f,
                BatchSize = 20,
                NumberOfEpochs = 200,
                LearningRateSchedule = LearningRateSchedule.Constant,
            }),
            ["early stopping of sparse columns"] = (Sparse, () => new()
            {
                EarlyStopping = new() { Patience = 1, MinimumImprovement = 0.05f },
                ValidationFraction = 0.3f,
                NumberOfEpochs = 100,
            }),
            ["lasso"] = (Dense, () => new() { L1Regularization = 0.1f, NonNegativeWeights = true }),
            ["average of all"] = (Dense, () => new() { AveragedFraction = 1 }),
            ["average of all, lazy weights"] = (Sparse, () => new() { AveragedFraction = 1 }),
            ["last weights"] = (Sparse, () => new() { AveragedFraction = 0 }),
            ["loss"] = (Dense, () => new() { LossFunction = new HuberLoss(0.5f) }),
            ["in order"] = (Dense, () => new() { Shuffle = false }),
            ["initial weights and a penalty"] =
                (Sparse, () => new() { InitialWeightsStandardDeviation = 1, L2Regularization = 0.01f, GradientClippingNorm = 0.5f }),
            ["decorrelated"] = (Dense, () => new() { Decorrelate = true }),
            ["decorrelated with momentum, centered, average of all"] =
                (Dense, () => new() { Decorrelate = true, Momentum = 0.9f, Centered = true, AveragedFraction = 1, LearningRate = 0.003f }),
            ["decorrelated beside lazy weights"] = (Sparse, () => new() { Decorrelate = true }),
            ["decorrelated beside lazy weights with a penalty"] = (Sparse, () => new() { Decorrelate = true, L2Regularization = 0.01f }),
            ["lazy weights with a penalty"] = (Sparse, () => new() { L2Regularization = 0.01f }),
            ["decorrelated early stopping"] = (_fewRows, () => new()
            {
                Decorrelate = true,
                EarlyStopping = new() { Patience = 1 },
                ValidationFraction = 0.5f,
                BatchSize = 20,
                NumberOfEpochs = 200,
                LearningRateSchedule = LearningRateSchedule.Constant,
            }),
            ["leading directions"] = (_common, () => new()),
            ["steps of a schedule"] = (Dense, () => new() { LearningRateSchedule = LearningRateSchedule.StepDecay(0.5, 7) }),
        };

    /// <summary>The same with few and short epochs.</summary>
    public static Options Short(Options options)
    {
        options.Decorrelate ??= false;
        options.NumberOfEpochs ??= 5;
        options.BatchSize = Math.Min(options.BatchSize, 32);
        options.Alpha = 0.99f;
        return options;
    }
}
