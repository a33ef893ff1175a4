using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Case = (string Name, System.Func<MlNetRms.RmsPropRegressionTransformer> Fit);
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Benchmarks;

/// <summary>
/// Hashes of many small models, one per line. Save the lines before and after a change that should not affect any weight, and compare them.
/// Uses only the public API, so that it compiles before and after the change.
/// </summary>
internal static class FingerprintsVerb
{
    /// <summary>Default of the trainings below.</summary>
    private const int Epochs = 40;

    private static readonly MLContext _context = new();

    private static readonly Case[] _sizes =
    [
        ("dense 1000x1", () => Fit(Dense(1000, 1))),
        ("dense 1000x2", () => Fit(Dense(1000, 2))),
        ("dense 1000x3", () => Fit(Dense(1000, 3))),
        ("dense 1000x5", () => Fit(Dense(1000, 5))),
        ("dense 1000x6", () => Fit(Dense(1000, 6))),
        ("dense 1000x8", () => Fit(Dense(1000, 8))),
        ("dense 1000x14", () => Fit(Dense(1000, 14))),
        ("dense 1000x20", () => Fit(Dense(1000, 20))),
        ("dense 1000x30", () => Fit(Dense(1000, 30))),
        ("dense 5000x100", () => Fit(Dense(5000, 100))),
        ("dense 1x5", () => Fit(Dense(1, 5))),
        ("dense 7x5", () => Fit(Dense(7, 5))),
        ("dense 127x5", () => Fit(Dense(127, 5))),
        ("dense 5000x5", () => Fit(Dense(5000, 5))),
        ("dense 1000x20, sparse encoding", () => Fit(SparselyEncoded(Dense(1000, 20)))),
        ("sparse 1000x200, decorrelated", () => Fit(Sparse(1000, columns: 200))),
        ("sparse 1000x400", () => Fit(Sparse(1000))),
        ("sparse 5000x400", () => Fit(Sparse(5000))),
        ("sparse 7x400", () => Fit(Sparse(7))),
        ("mixed 1000x403", () => Fit(Mixed(1000))),
        ("mixed 127x403", () => Fit(Mixed(127))),
    ];

    private static readonly Case[] _rows =
    [
        ("weighted: dense 1000x1", () => Fit(Dense(1000, 1), Weighted())),
        ("weighted: dense 1000x5", () => Fit(Dense(1000, 5), Weighted())),
        ("weighted: dense 1000x14", () => Fit(Dense(1000, 14), Weighted())),
        ("weighted: dense 127x20, standardize off", () => Fit(Unscaled(127, 20), Weighted(standardize: false))),
        ("weighted: sparse 1000x400", () => Fit(Sparse(1000), Weighted())),
        ("weighted: mixed 1000x403", () => Fit(Mixed(1000), Weighted())),
        ("missing values: dense 1000x20", () => Fit(WithGaps(Dense(1000, 20)))),
        ("missing values: dense 1000x20, weighted", () => Fit(WithGaps(Dense(1000, 20)), Weighted())),
        ("missing values: sparse 1000x400", () => Fit(WithGaps(Sparse(1000)))),
        ("missing values: mixed 1000x403, weighted", () => Fit(WithGaps(Mixed(1000)), Weighted())),
        ("constant label: dense 1000x5", () => Fit(Dense(1000, 5).Select(example => example with { Label = 3 }))),
        ("constant columns: dense 1000x5",
            () => Fit(Dense(1000, 5).Select(example => example with { Features = new(5, [7, 0, 1, -2, example.Label]) }))),
    ];

    /// <summary>The two lines of a pair must be equal.</summary>
    private static readonly Case[] _threads =
    [
        ("threads: dense 5000x100, batch size 1000, 1 thread", () => Fit(Dense(5000, 100), new() { BatchSize = 1000, NumberOfThreads = 1 })),
        ("threads: dense 5000x100, batch size 1000, 2 threads", () => Fit(Dense(5000, 100), new() { BatchSize = 1000, NumberOfThreads = 2 })),
        ("threads: dense 5000x100, batch size 5000, 1 thread", () => Fit(Dense(5000, 100), new() { BatchSize = 5000, NumberOfThreads = 1 })),
        ("threads: dense 5000x100, batch size 5000, 2 threads", () => Fit(Dense(5000, 100), new() { BatchSize = 5000, NumberOfThreads = 2 })),
        ("threads: dense 1000x1000, batch size 300, 1 thread", () => Fit(Dense(1000, 1000), new() { BatchSize = 300, NumberOfThreads = 1 })),
        ("threads: dense 1000x1000, batch size 300, 2 threads", () => Fit(Dense(1000, 1000), new() { BatchSize = 300, NumberOfThreads = 2 })),
        ("threads: dense 1000x100, weighted Huber loss, 1 thread", () => Fit(Dense(1000, 100), WideHuber(threads: 1))),
        ("threads: dense 1000x100, weighted Huber loss, 2 threads", () => Fit(Dense(1000, 100), WideHuber(threads: 2))),
    ];

    private static readonly Case[] _schedules =
    [
        ("schedule: dense 1000x20, constant", () => Fit(Dense(1000, 20), new() { LearningRateSchedule = LearningRateSchedule.Constant })),
        ("schedule: dense 1000x20, cosine to zero", () => Fit(Dense(1000, 20), new() { LearningRateSchedule = LearningRateSchedule.CosineToZero })),
        ("schedule: dense 1000x20, linear to zero", () => Fit(Dense(1000, 20), new() { LearningRateSchedule = LearningRateSchedule.LinearToZero })),
        ("schedule: dense 1000x20, inverse square root",
            () => Fit(Dense(1000, 20), new() { LearningRateSchedule = LearningRateSchedule.InverseSquareRoot(50) })),
        ("schedule: dense 1000x20, step decay", () => Fit(Dense(1000, 20), new() { LearningRateSchedule = LearningRateSchedule.StepDecay(0.5, 60) })),
        ("schedule: dense 1000x20, custom", () => Fit(Dense(1000, 20), new() { LearningRateSchedule = Hump })),
        ("schedule: sparse 1000x400, constant", () => Fit(Sparse(1000), new() { LearningRateSchedule = LearningRateSchedule.Constant })),
        ("schedule: sparse 1000x400, step decay", () => Fit(Sparse(1000), new() { LearningRateSchedule = LearningRateSchedule.StepDecay(0.5, 60) })),
    ];

    private static readonly Case[] _updateRule =
    [
        ("dense 1000x20, learning rate 0.1", () => Fit(Dense(1000, 20), new() { LearningRate = 0.1f })),
        ("dense 1000x20, alpha 0.9", () => Fit(Dense(1000, 20), new() { Alpha = 0.9f })),
        ("dense 1000x20, alpha 0", () => Fit(Dense(1000, 20), new() { Alpha = 0 })),
        ("dense 1000x20, epsilon 1e-6", () => Fit(Dense(1000, 20), new() { Epsilon = 1e-6f })),
        ("dense 1000x20, epsilon inside the root", () => Fit(Dense(1000, 20), new() { EpsilonPlacement = EpsilonPlacement.InsideSquareRoot })),
        ("dense 1000x20, no bias correction", () => Fit(Dense(1000, 20), new() { BiasCorrection = false, Alpha = 0.9f })),
        ("dense 1000x20, momentum 0.9", () => Fit(Dense(1000, 20), FallingMomentum())),
        ("dense 1000x20, momentum 0.9 at a constant rate", () => Fit(Dense(1000, 20), ConstantMomentum())),
        ("dense 1000x20, centered", () => Fit(Dense(1000, 20), new() { Centered = true })),
        ("dense 1000x20, momentum 0.9, centered, no bias correction, epsilon inside the root", () => Fit(Dense(1000, 20), EveryForm())),
        ("sparse 1000x400, learning rate 0.1", () => Fit(Sparse(1000), new() { LearningRate = 0.1f })),
        ("sparse 1000x400, alpha 0.9", () => Fit(Sparse(1000), new() { Alpha = 0.9f })),
        ("sparse 1000x400, epsilon inside the root", () => Fit(Sparse(1000), new() { EpsilonPlacement = EpsilonPlacement.InsideSquareRoot })),
        ("sparse 1000x400, no bias correction", () => Fit(Sparse(1000), new() { BiasCorrection = false, Alpha = 0.9f })),
        ("sparse 1000x400, momentum 0.9 at a constant rate (touched weights)", () => Fit(Sparse(1000), ConstantMomentum())),
        ("sparse 1000x400, momentum 0.9 (all weights)", () => Fit(Sparse(1000), FallingMomentum())),
        ("sparse 1000x400, centered", () => Fit(Sparse(1000), new() { Centered = true })),
        ("sparse 1000x400, momentum 0.9, centered, no bias correction, epsilon inside the root (touched weights)",
            () => Fit(Sparse(1000), EveryForm())),
        ("mixed 1000x403, momentum 0.9 at a constant rate (touched weights)", () => Fit(Mixed(1000), ConstantMomentum())),
        ("mixed 1000x403, momentum 0.9 (all weights)", () => Fit(Mixed(1000), FallingMomentum())),
        ("mixed 1000x403, centered", () => Fit(Mixed(1000), new() { Centered = true })),
    ];

    private static readonly Case[] _constraints =
    [
        ("dense 1000x20, L2", () => Fit(Dense(1000, 20), new() { L2Regularization = 0.1f })),
        ("dense 1000x20, L1", () => Fit(Dense(1000, 20), new() { L1Regularization = 0.1f })),
        ("dense 1000x20, L1 and L2", () => Fit(Dense(1000, 20), new() { L1Regularization = 0.1f, L2Regularization = 0.1f })),
        ("dense 1000x20, L1, no bias correction", () => Fit(Dense(1000, 20), new() { L1Regularization = 0.1f, BiasCorrection = false })),
        ("dense 1000x20, non-negative", () => Fit(Dense(1000, 20), new() { NonNegativeWeights = true })),
        ("dense 1000x20, non-negative, L1", () => Fit(Dense(1000, 20), new() { NonNegativeWeights = true, L1Regularization = 0.1f })),
        ("dense 1000x20, non-negative, momentum, centered",
            () => Fit(Dense(1000, 20), new() { NonNegativeWeights = true, Momentum = 0.5f, Centered = true })),
        ("dense 1000x20, clipping", () => Fit(Dense(1000, 20), new() { GradientClippingNorm = 0.2f })),
        ("sparse 1000x400, L2", () => Fit(Sparse(1000), new() { L2Regularization = 0.01f })),
        ("sparse 1000x400, L1", () => Fit(Sparse(1000), new() { L1Regularization = 0.005f })),
        ("sparse 1000x400, L1 and L2", () => Fit(Sparse(1000), new() { L1Regularization = 0.005f, L2Regularization = 0.01f })),
        ("sparse 1000x400, non-negative", () => Fit(Sparse(1000), new() { NonNegativeWeights = true })),
        ("sparse 1000x400, clipping", () => Fit(Sparse(1000), new() { GradientClippingNorm = 0.05f })),
        ("mixed 1000x403, L1 and L2", () => Fit(Mixed(1000), new() { L1Regularization = 0.005f, L2Regularization = 0.01f })),
        ("mixed 1000x403, non-negative, clipping", () => Fit(Mixed(1000), new() { NonNegativeWeights = true, GradientClippingNorm = 0.2f })),
    ];

    private static readonly Case[] _losses =
    [
        ("loss: dense 1000x20, Huber", () => Fit(Dense(1000, 20), new() { LossFunction = new HuberLoss(0.5f) })),
        ("loss: dense 1000x20, absolute", () => Fit(Dense(1000, 20), new() { LossFunction = new AbsoluteLoss() })),
        ("loss: dense 1000x20, quantile", () => Fit(Dense(1000, 20), new() { LossFunction = new QuantileLoss(0.9f) })),
        ("loss: dense 1000x20, epsilon-insensitive", () => Fit(Dense(1000, 20), new() { LossFunction = new EpsilonInsensitiveLoss(0.2f) })),
        ("loss: dense 1000x20, log-cosh", () => Fit(Dense(1000, 20), new() { LossFunction = new LogCoshLoss(0.5f) })),
        ("loss: dense 1000x20, ML.NET's squared loss", () => Fit(Dense(1000, 20), new() { LossFunction = new SquaredLoss() })),
        ("loss: dense 1000x20, Huber with L1", () => Fit(Dense(1000, 20), new() { LossFunction = new HuberLoss(0.5f), L1Regularization = 0.1f })),
        ("loss: dense 1000x20, Huber, weighted", () => Fit(Dense(1000, 20), Weighted(new HuberLoss(0.5f)))),
        ("loss: dense 1000x20, quantile, standardize off",
            () => Fit(Unscaled(1000, 20), new() { LossFunction = new QuantileLoss(0.1f), Standardize = false })),
        ("loss: sparse 1000x400, Huber", () => Fit(Sparse(1000), new() { LossFunction = new HuberLoss(0.5f) })),
        ("loss: mixed 1000x403, Huber with L1, weighted", () => Fit(Mixed(1000), Weighted(new HuberLoss(0.5f), l1: 0.005f))),
    ];

    private static readonly Case[] _course =
    [
        ("dense 1000x20, batch size 1000", () => Fit(Dense(1000, 20), new() { BatchSize = 1000 })),
        ("dense 1000x20, batch size 7", () => Fit(Dense(1000, 20), new() { BatchSize = 7 })),
        ("dense 127x5, batch size 1", () => Fit(Dense(127, 5), new() { BatchSize = 1 })),
        ("sparse 1000x400, batch size 7", () => Fit(Sparse(1000), new() { BatchSize = 7 })),
        ("sparse 1000x400, batch size 7, momentum 0.9 at a constant rate", () => Fit(Sparse(1000), ConstantMomentum(batchSize: 7))),
        ("sparse 5000x2000, batch size 1", () => Fit(Sparse(5000, 2000), new() { BatchSize = 1, NumberOfEpochs = 3 })),
        ("sparse 5000x2000, batch size 1, momentum 0.9 at a constant rate", () => Fit(Sparse(5000, 2000), ConstantMomentum(batchSize: 1, epochs: 3))),
        ("dense 1000x20, 1 epoch", () => Fit(Dense(1000, 20), new() { NumberOfEpochs = 1 })),
        ("dense 1000x20, 100 epochs", () => Fit(Dense(1000, 20), new() { NumberOfEpochs = 100 })),
        ("dense 127x5, default number of epochs", () => _context.Regression.Trainers.RmsProp().Fit(View(Dense(127, 5)))),
        ("dense 1000x20, no averaging", () => Fit(Dense(1000, 20), new() { AveragedFraction = 0 })),
        ("dense 1000x20, averaged fraction 0.2", () => Fit(Dense(1000, 20), new() { AveragedFraction = 0.2f })),
        ("dense 1000x20, all steps averaged", () => Fit(Dense(1000, 20), new() { AveragedFraction = 1 })),
        ("sparse 1000x400, no averaging", () => Fit(Sparse(1000), new() { AveragedFraction = 0 })),
        ("sparse 1000x400, all steps averaged", () => Fit(Sparse(1000), new() { AveragedFraction = 1 })),
        ("dense 1000x20, standardize off", () => Fit(Unscaled(1000, 20), new() { Standardize = false })),
        ("sparse 1000x400, standardize off", () => Fit(Sparse(1000), new() { Standardize = false })),
        ("dense 1000x20, shuffle off", () => Fit(Dense(1000, 20), new() { Shuffle = false })),
        ("sparse 1000x400, shuffle off", () => Fit(Sparse(1000), new() { Shuffle = false })),
        ("dense 1000x20, random first weights", () => Fit(Dense(1000, 20), new() { InitialWeightsStandardDeviation = 0.5f, NumberOfEpochs = 2 })),
        ("mixed 1000x403, random first weights", () => Fit(Mixed(1000), new() { InitialWeightsStandardDeviation = 0.5f, NumberOfEpochs = 2 })),
        ("dense 1000x20, seed 1", () => Fit(Dense(1000, 20), new() { Seed = 1 })),
        ("sparse 1000x400, seed -5", () => Fit(Sparse(1000), new() { Seed = -5 })),
        ("dense 1000x5, textbook", () => Fit(Unscaled(1000, 5), Options.Textbook())),
        ("sparse 1000x400, textbook", () => Fit(Sparse(1000), Options.Textbook())),
        ("callback: dense 1000x20, stops before averaging", () => Fit(Dense(1000, 20), new() { EpochCompleted = StopAfter(epoch: 5) })),
        ("callback: dense 1000x20, stops while averaging", () => Fit(Dense(1000, 20), new() { EpochCompleted = StopAfter(epoch: 35) })),
    ];

    private static readonly Case[] _validation =
    [
        ("validation: dense 1000x20, fraction 0.25", () => Fit(Dense(1000, 20), new() { ValidationFraction = 0.25f })),
        ("validation: mixed 1000x403, fraction 0.25, seed 1", () => Fit(Mixed(1000), new() { ValidationFraction = 0.25f, Seed = 1 })),
        ("validation: dense 1000x20, set", () => Fit(Dense(1000, 20), new() { ValidationSet = OtherDense() })),
        ("validation: dense 1000x20, argument of Fit", () => Trainer(new()).Fit(View(Dense(1000, 20)), OtherDense())),
        ("early stopping: dense 1000x20, fraction", () => Fit(Dense(1000, 20), Impatient())),
        ("early stopping: dense 1000x20, set", () => Fit(Dense(1000, 20), Impatient(new() { ValidationSet = OtherDense() }))),
        ("early stopping: dense 1000x20, weighted Huber loss", () => Fit(Dense(1000, 20), Impatient(Weighted(new HuberLoss(0.5f))))),
        ("early stopping: dense 1000x20, L1", () => Fit(Dense(1000, 20), Impatient(new() { L1Regularization = 0.1f }))),
        ("early stopping: dense 1000x20, minimum improvement 0.1", () => Fit(Dense(1000, 20), Impatient(minimumImprovement: 0.1f))),
        ("early stopping: sparse 1000x400, fraction", () => Fit(Sparse(1000), Impatient())),
        ("early stopping: mixed 1000x403, best of all epochs, all steps averaged",
            () => Fit(Mixed(1000), Impatient(new() { AveragedFraction = 1 }, patience: 100))),
    ];

    private static readonly Case[] _starts =
    [
        ("warm start: dense 1000x20", () => Trainer(Slow()).Fit(View(Dense(1000, 20)), Fit(Dense(127, 20)).Model)),
        ("warm start: dense 1000x20, standardize off",
            () => Trainer(Slow(standardize: false)).Fit(View(Unscaled(1000, 20)), Fit(Unscaled(127, 20)).Model)),
        ("warm start: mixed 1000x403", () => Trainer(Slow()).Fit(View(Mixed(1000)), Fit(Mixed(127)).Model)),
        ("continue: dense 1000x20, no averaging", () => FitTwice(Dense(1000, 20), new() { AveragedFraction = 0 })),
        ("continue: dense 1000x20, momentum 0.9 at a constant rate, no averaging",
            () => FitTwice(Dense(1000, 20), ConstantMomentum(averagedFraction: 0))),
        ("continue: dense 1000x20, averaging", () => FitTwice(Dense(1000, 20), new())),
        ("continue: dense 1000x20, momentum 0.9, centered", () => FitTwice(Dense(1000, 20), EveryForm())),
        ("continue: dense 1000x20, L1", () => FitTwice(Dense(1000, 20), new() { L1Regularization = 0.1f })),
        ("continue: dense 1000x20, validation", () => FitTwice(Dense(1000, 20), new() { ValidationFraction = 0.25f })),
        ("continue: dense 1000x20, after early stopping", () => FitTwice(Dense(1000, 20), Impatient())),
        ("continue: dense 1000x20, on other rows", () => Trainer(new()).Fit(OtherDense(), Fit(Dense(1000, 20)))),
        ("continue: sparse 1000x400", () => FitTwice(Sparse(1000), new())),
        ("continue: sparse 1000x400, no averaging", () => FitTwice(Sparse(1000), new() { AveragedFraction = 0 })),
        ("continue: sparse 1000x400, momentum 0.9, centered (touched weights)", () => FitTwice(Sparse(1000), EveryForm())),
        ("continue: sparse 1000x400, touched weights, then all",
            () => Trainer(FallingMomentum()).Fit(View(Sparse(1000)), Fit(Sparse(1000), ConstantMomentum()))),
        ("continue: mixed 1000x403, validation", () => FitTwice(Mixed(1000), new() { ValidationFraction = 0.25f })),
    ];

    /// <summary>1 in the middle of the training, ½ at its ends.</summary>
    private static LearningRateSchedule Hump => LearningRateSchedule.Custom("hump", (step, total) => 1 - Math.Abs((double)step / total - 0.5));

    public static void Run(Arguments arguments)
    {
        Case[] all =
            [.. _sizes, .. _rows, .. _threads, .. _schedules, .. _updateRule, .. _constraints, .. _losses, .. _course, .. _validation, .. _starts];
        int width = all.Max(training => training.Name.Length);
        foreach (Case training in arguments.Select(all, training => training.Name))
            Console.WriteLine($"{training.Name.PadRight(width)}  {Fingerprint(training.Fit().Model)}");
    }

    /// <summary>The first 64 bits of SHA-256 over the weights and the bias.</summary>
    private static string Fingerprint(LinearRegressionModelParameters model)
    {
        float[] numbers = [.. model.Weights, model.Bias];
        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(numbers.AsSpan())))[..16];
    }

    private static RmsPropRegressionTransformer Fit(IEnumerable<Example> examples, Options? options = null) =>
        Trainer(options ?? new()).Fit(View(examples));

    /// <summary>Continues with the same options.</summary>
    private static RmsPropRegressionTransformer FitTwice(IEnumerable<Example> examples, Options options)
    {
        RmsPropRegressionTrainer trainer = Trainer(options);
        return trainer.Fit(View(examples), trainer.Fit(View(examples)));
    }

    private static RmsPropRegressionTrainer Trainer(Options options)
    {
        options.NumberOfEpochs ??= Epochs;
        return _context.Regression.Trainers.RmsProp(options);
    }

    private static Options Weighted(IRegressionLoss? loss = null, float l1 = 0, bool standardize = true) =>
        new() { ExampleWeightColumnName = nameof(Example.Weight), LossFunction = loss, L1Regularization = l1, Standardize = standardize };

    /// <summary>Batches large enough for several threads.</summary>
    private static Options WideHuber(int threads)
    {
        Options options = Weighted(new HuberLoss(0.5f));
        options.BatchSize = 400;
        options.NumberOfThreads = threads;
        return options;
    }

    private static Options FallingMomentum() => new() { Momentum = 0.9f, LearningRate = 0.006f };

    private static Options ConstantMomentum(int batchSize = 128, int epochs = Epochs, float averagedFraction = 0.2f) => new()
    {
        Momentum = 0.9f,
        LearningRate = 0.006f,
        LearningRateSchedule = LearningRateSchedule.Constant,
        BatchSize = batchSize,
        NumberOfEpochs = epochs,
        AveragedFraction = averagedFraction,
    };

    /// <summary>All variants of the update rule at once.</summary>
    private static Options EveryForm()
    {
        Options options = ConstantMomentum();
        options.Centered = true;
        options.BiasCorrection = false;
        options.Alpha = 0.95f;
        options.EpsilonPlacement = EpsilonPlacement.InsideSquareRoot;
        return options;
    }

    /// <summary>At a constant rate the loss soon stops falling, so training does stop early.</summary>
    private static Options Impatient(Options? options = null, int patience = 2, float minimumImprovement = 0)
    {
        options ??= new();
        options.LearningRateSchedule = LearningRateSchedule.Constant;
        options.NumberOfEpochs = 100;
        options.EarlyStopping = new EarlyStopping { Patience = patience, MinimumImprovement = minimumImprovement };
        if (options.ValidationSet is null)
            options.ValidationFraction = 0.25f;
        return options;
    }

    /// <summary>Stays near the weights it starts from.</summary>
    private static Options Slow(bool standardize = true) => new() { LearningRate = 0.003f, NumberOfEpochs = 5, Standardize = standardize };

    private static Action<EpochProgress> StopAfter(int epoch) => progress =>
    {
        if (progress.Report.Epoch == epoch)
            progress.Stop();
    };

    private static IDataView View(IEnumerable<Example> examples)
    {
        SchemaDefinition schema = SchemaDefinition.Create(typeof(Example));
        schema[nameof(Example.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, examples.First().Features.Length);
        return _context.Data.LoadFromEnumerable(examples, schema);
    }

    private static IDataView OtherDense() => View(Dense(300, 20, first: 10_000));

    /// <summary>Columns of different means and deviations.</summary>
    private static IEnumerable<Example> Dense(int count, int columns, int first = 0) =>
        Unscaled(count, columns, first).Select(example => example with { Features = Rescaled(example.Features) });

    /// <summary>Every column from N(0, 1).</summary>
    private static IEnumerable<Example> Unscaled(int count, int columns, int first = 0) => Examples(new SyntheticRows(first + count, columns), first);

    /// <summary>Stored sparse, 5 values per row.</summary>
    private static IEnumerable<Example> Sparse(int count, int columns = 400, int first = 0) =>
        Examples(new SyntheticRows(first + count, columns, nonZerosPerRow: 5), first);

    /// <summary>3 dense columns, then 400 with 5 values per row; every other row is stored sparse.</summary>
    private static IEnumerable<Example> Mixed(int count) =>
        Dense(count, 3).Zip(Sparse(count, columns: 400, first: 10_000), Joined)
            .Select((example, row) => row % 2 == 0 ? example : SparselyEncoded(example));

    private static IEnumerable<Example> SparselyEncoded(IEnumerable<Example> examples) => examples.Select(SparselyEncoded);

    /// <summary>Of ten rows, one has no label, one has an infinite feature, one has a missing feature, and one has weight 0.</summary>
    private static IEnumerable<Example> WithGaps(IEnumerable<Example> examples) => examples.Select((example, row) => (row % 10) switch
    {
        1 => example with { Label = float.NaN },
        4 => WithFirstFeature(example, float.PositiveInfinity),
        5 => WithFirstFeature(example, float.NaN),
        8 => example with { Weight = 0 },
        _ => example,
    });

    private static IEnumerable<Example> Examples(SyntheticRows rows, int first) => Enumerable.Range(first, rows.Count - first).Select(row =>
    {
        VBuffer<float> features = default;
        rows.Read(row, ref features, out float label);
        return new Example(features, label, Weight: 0.3f + row % 7);
    });

    private static VBuffer<float> Rescaled(VBuffer<float> features)
    {
        float[] scales = [1, 0.02f, 300, 7];
        return new(features.Length, [.. features.DenseValues().Select((x, i) => scales[i % 4] * (x + i % 3))]);
    }

    private static Example Joined(Example left, Example right)
    {
        float[] features = [.. left.Features.DenseValues(), .. right.Features.DenseValues()];
        return left with { Features = new(features.Length, features), Label = left.Label + right.Label };
    }

    private static Example SparselyEncoded(Example example)
    {
        float[] features = [.. example.Features.DenseValues()];
        int[] columns = [.. Enumerable.Range(0, features.Length).Where(i => features[i] != 0)];
        return example with { Features = new(features.Length, columns.Length, [.. columns.Select(i => features[i])], columns) };
    }

    private static Example WithFirstFeature(Example example, float value)
    {
        float[] features = [value, .. example.Features.DenseValues().Skip(1)];
        Example changed = example with { Features = new(features.Length, features) };
        return example.Features.IsDense ? changed : SparselyEncoded(changed);
    }

    /// <summary>One row as ML.NET reads it.</summary>
    private sealed record Example(VBuffer<float> Features, float Label, float Weight);
}
