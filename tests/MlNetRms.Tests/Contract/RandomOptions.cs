using System.Globalization;
using CsCheck;
using Microsoft.ML.Trainers;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>Random options that the trainer accepts.</summary>
internal static class RandomOptions
{
    /// <summary>Any valid options, even useless ones.</summary>
    public static Gen<Options> Valid { get; } = Together(
        Set(Log(1e-6, 1e6), (options, value) => options.LearningRate = (float)value),
        Set(Gen.OneOf(AnySchedule(), Gen.Const(LearningRateSchedule.Default)), (options, value) => options.LearningRateSchedule = value),
        Set(Gen.OneOf(Gen.Const(0f), Gen.Const(0.999f), Gen.Float[0, 0.9999f]), (options, value) => options.Alpha = value),
        Set(Log(1e-30, 1e3), (options, value) => options.Epsilon = (float)value),
        Set(Gen.Enum<EpsilonPlacement>(), (options, value) => options.EpsilonPlacement = value),
        Set(Gen.Bool, (options, value) => options.BiasCorrection = value),
        Set(Gen.OneOf(Gen.Const(0f), Gen.Float[0, 0.99f]), (options, value) => options.Momentum = value),
        Set(Gen.Bool, (options, value) => options.Centered = value),
        Set(Gen.OneOf(Gen.Const(default(float?)), Log(1e-6, 1e6).Select(value => (float?)value)),
            (options, value) => options.L2Regularization = value),
        Set(Gen.OneOf(Gen.Const(0.0), Log(1e-6, 1e6)), (options, value) => options.L1Regularization = (float)value),
        Set(Gen.Bool, (options, value) => options.NonNegativeWeights = value),
        Set(Gen.OneOf(Gen.Const(default(float?)), Log(1e-6, 1e6).Select(value => (float?)value)),
            (options, value) => options.GradientClippingNorm = value),
        Set(Gen.OneOf(Gen.Const(default(IRegressionLoss)), AnyLoss()), (options, value) => options.LossFunction = value),
        Set(Gen.Int[1, 64], (options, value) => options.BatchSize = value),
        Set(Gen.Int[1, 30], (options, value) => options.NumberOfEpochs = value),
        Set(Gen.OneOf(Gen.Const(0f), Gen.Const(1f), Gen.Float[0, 1]), (options, value) => options.AveragedFraction = value),
        Set(Gen.Bool, (options, value) => options.Standardize = value),
        Set(Gen.OneOf(default(bool?), false, true), (options, value) => options.Decorrelate = value),
        Set(Gen.Bool, (options, value) => options.Shuffle = value),
        Set(Gen.OneOf(Gen.Const(0.0), Log(1e-6, 1e6)), (options, value) => options.InitialWeightsStandardDeviation = (float)value),
        Set(Gen.Int, (options, value) => options.Seed = value),
        Set(Gen.OneOf(default(int?), 1, 2, 3), (options, value) => options.NumberOfThreads = value),
        Set(Gen.Frequency((3, Gen.Const(0f)), (1, Gen.Float[0, 0.9f])), (options, value) => options.ValidationFraction = value),
        Set(Gen.Frequency((9, Gen.Const(0)), (1, Gen.Int[1, 3])),
            (options, patience) => options.EarlyStopping = patience > 0 ? new EarlyStopping { Patience = patience } : null));

    /// <summary>
    /// Options with which training can approach the optimum: a learning rate in the recommended range that falls to zero, 2000 steps, and
    /// standardised columns. Everything else may differ from the defaults.
    /// </summary>
    public static Gen<Options> Sound { get; } = Together(
        Set(Log(0.003, 0.1), (options, value) => options.LearningRate = (float)value),
        Set(Gen.OneOf(LearningRateSchedule.Default, LearningRateSchedule.CosineToZero, LearningRateSchedule.LinearToZero),
            (options, value) => options.LearningRateSchedule = value),
        Set(Gen.Float[0.9f, 0.9999f], (options, value) => options.Alpha = value),
        Set(Log(1e-6, 0.1), (options, value) => options.Epsilon = (float)value),
        Set(Gen.Enum<EpsilonPlacement>(), (options, value) => options.EpsilonPlacement = value),
        Set(Gen.OneOf(Gen.Const(0f), Gen.Float[0, 0.95f]), (options, value) => options.Momentum = value),
        Set(Gen.Bool, (options, value) => options.Centered = value),
        Set(Gen.OneOf(Gen.Const(default(float?)), Log(1e-6, 1e6).Select(value => (float?)value)),
            (options, value) => options.L2Regularization = value),
        Set(Gen.OneOf(Gen.Const(0.0), Log(1e-6, 1e6)), (options, value) => options.L1Regularization = (float)value),
        Set(Gen.Bool, (options, value) => options.NonNegativeWeights = value),
        Set(Gen.OneOf(Gen.Const(default(IRegressionLoss)), AnyLoss()), (options, value) => options.LossFunction = value),
        Set(Gen.Int[16, 64], (options, value) => options.BatchSize = value),
        Set(Gen.Float[0.1f, 0.5f], (options, value) => options.AveragedFraction = value),
        Set(Gen.OneOf(default(bool?), false, true), (options, value) => options.Decorrelate = value),
        Set(Gen.Bool, (options, value) => options.Shuffle = value),
        Set(Gen.Int, (options, value) => options.Seed = value),
        Set(Gen.OneOf(default(int?), 1, 2, 3), (options, value) => options.NumberOfThreads = value));

    /// <summary>The options that differ from the defaults.</summary>
    public static string Describe(Options options)
    {
        var defaults = new Options();
        return string.Join(", ", typeof(Options).GetProperties().Where(property => property.GetMethod is { IsStatic: false })
            .Select(property => (property.Name, Value: property.GetValue(options), Default: property.GetValue(defaults)))
            .Where(option => !Equals(option.Value, option.Default))
            .Select(option => string.Create(CultureInfo.InvariantCulture, $"{option.Name} = {option.Value ?? "null"}")));
    }

    private static Gen<LearningRateSchedule> AnySchedule() => Gen.OneOf(
        LearningRateSchedule.Constant, LearningRateSchedule.CosineToZero, LearningRateSchedule.LinearToZero,
        LearningRateSchedule.InverseSquareRoot(), LearningRateSchedule.StepDecay(0.5, 20), LearningRateSchedule.CosineThenConstant(0.1, 0.5));

    private static Gen<IRegressionLoss?> AnyLoss() => Gen.OneOf<IRegressionLoss?>(
        new SquaredLoss(), new HuberLoss(0.5f), new AbsoluteLoss(), new QuantileLoss(0.7f), new EpsilonInsensitiveLoss(0.1f), new LogCoshLoss(2));

    private static Gen<double> Log(double from, double to) => Gen.Double[Math.Log(from), Math.Log(to)].Select(Math.Exp);

    private static Gen<Action<Options>> Set<T>(Gen<T> values, Action<Options, T> set) =>
        values.Select(value => (Action<Options>)(options => set(options, value)));

    private static Gen<Options> Together(params Gen<Action<Options>>[] settings) =>
        settings.Aggregate((all, next) => Gen.Select(all, next, (first, second) => first + second)).Select(set =>
        {
            var options = new Options();
            set(options);
            return WithoutExclusions(options);
        });

    private static Options WithoutExclusions(Options options)
    {
        if (options.L1Regularization > 0)
            (options.Momentum, options.Centered) = (0, false);
        if (options.Decorrelate == true && (options.L1Regularization > 0 || options.NonNegativeWeights || !options.Standardize))
            options.Decorrelate = null;
        return options;
    }
}
