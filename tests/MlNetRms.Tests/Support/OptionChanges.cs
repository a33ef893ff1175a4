using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Support;

/// <summary>Another value for an option, with the text of messages for the usual value (in a context with seed 1) and for this one.</summary>
internal static class OptionChanges
{
    /// <summary>Changes of the options that an optimiser's state depends on.</summary>
    public static readonly IReadOnlyDictionary<string, (Action<Options> Change, string Before, string After)> OfMeaning =
        new Dictionary<string, (Action<Options> Change, string Before, string After)>
        {
            [nameof(Options.Alpha)] = (options => options.Alpha = 0.5f, "0.999", "0.5"),
            [nameof(Options.Epsilon)] = (options => options.Epsilon = 0.125f, "0.0001", "0.125"),
            [nameof(Options.EpsilonPlacement)] =
                (options => options.EpsilonPlacement = EpsilonPlacement.InsideSquareRoot, "OutsideSquareRoot", "InsideSquareRoot"),
            [nameof(Options.BiasCorrection)] = (options => options.BiasCorrection = false, "True", "False"),
            [nameof(Options.Momentum)] = (options => options.Momentum = 0.9f, "0", "0.9"),
            [nameof(Options.Centered)] = (options => options.Centered = true, "False", "True"),
            [nameof(Options.L2Regularization)] = (options => options.L2Regularization = 0.25f, "null", "0.25"),
            [nameof(Options.L1Regularization)] = (options => options.L1Regularization = 0.25f, "0", "0.25"),
            [nameof(Options.NonNegativeWeights)] = (options => options.NonNegativeWeights = true, "False", "True"),
            [nameof(Options.GradientClippingNorm)] = (options => options.GradientClippingNorm = 2.5f, "null", "2.5"),
            [nameof(Options.LossFunction)] =
                (options => options.LossFunction = new HuberLoss(2.5f), "half squared residual", "HuberLoss(delta: 2.5)"),
            [nameof(Options.Seed)] = (options => options.Seed = -7, "1", "-7"),
            [nameof(Options.Shuffle)] = (options => options.Shuffle = false, "True", "False"),
            [nameof(Options.Standardize)] = (options => options.Standardize = false, "True", "False"),
            [nameof(Options.Decorrelate)] = (options => options.Decorrelate = true, "null", "True"),
        };

    /// <summary>Of all options that the bits of a training depend on; the usual batch size is 256 and the usual number of epochs automatic.</summary>
    public static readonly IReadOnlyDictionary<string, (Action<Options> Change, string Before, string After)> OfBits =
        new Dictionary<string, (Action<Options> Change, string Before, string After)>(OfMeaning)
        {
            [nameof(Options.ExampleWeightColumnName)] = (options => options.ExampleWeightColumnName = nameof(Example.Weight), "null", "set"),
            [nameof(Options.LearningRate)] = (options => options.LearningRate = 0.0301f, "0.03", "0.0301"),
            [nameof(Options.LearningRateSchedule)] = (options => options.LearningRateSchedule = LearningRateSchedule.StepDecay(0.5, 10),
                LearningRateSchedule.CosineThenConstant().Name, "step decay (0.5 every 10)"),
            [nameof(Options.BatchSize)] = (options => options.BatchSize = 17, "256", "17"),
            [nameof(Options.Tolerance)] = (options => options.Tolerance = 0.125f, "null", "0.125"),
            [nameof(Options.NumberOfEpochs)] = (options => options.NumberOfEpochs = 5, "null", "5"),
            [nameof(Options.AveragedFraction)] = (options => options.AveragedFraction = 1, "0.2", "1"),
            [nameof(Options.InitialWeightsStandardDeviation)] = (options => options.InitialWeightsStandardDeviation = 1, "0", "1"),
            [nameof(Options.ValidationFraction)] = (options => options.ValidationFraction = 0.25f, "0", "0.25"),
            [nameof(Options.EarlyStopping)] = (options =>
                (options.EarlyStopping, options.ValidationSet) = (new() { Patience = 2 }, Some.Linear(1, 60, 3).View(new MLContext(1))), "null", "2"),
        };
}
