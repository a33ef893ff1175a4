using Microsoft.ML.Trainers;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>
/// A training that continues another gives the bits of one long training if the options are the same, and is refused if they do not fit together.
/// </summary>
[Trait("Vectors", "Irrelevant")]
public sealed class ContinuedTrainingTests
{
    /// <summary>A few hundred steps in float, whose roundings differ between the two ways of updating sparse columns.</summary>
    private const double OtherRoundings = 5e-5;

    private static readonly Examples _rows = Some.Linear(1, 300, [1, 10, 0.1], means: [5, 0, 1], labelOffset: 50, labelScale: 4);
    private static readonly Examples _sparse = Some.MostlyZero(1, 700, 2, 330, 3);

    private readonly MLContext _ml = new(1);

    private static readonly Dictionary<string, Func<Options>> _forms = new()
    {
        ["plain"] = () => new(),
        ["momentum"] = () => new() { Momentum = 0.9f, LearningRate = 0.01f },
        ["centered"] = () => new() { Centered = true },
        ["centered with momentum"] = () => new() { Centered = true, Momentum = 0.9f, LearningRate = 0.003f },
        ["no bias correction"] = () => new() { BiasCorrection = false, Alpha = 0.9f },
        ["decorrelated"] = () => new() { Decorrelate = true },
        ["decorrelated with momentum"] = () => new() { Decorrelate = true, Momentum = 0.9f, LearningRate = 0.01f },
        ["decorrelated, centered"] = () => new() { Decorrelate = true, Centered = true, LearningRate = 0.003f },
        ["decorrelated with a penalty"] = () => new() { Decorrelate = true, L2Regularization = 0.01f },
        ["decorrelated, weighted, initial weights"] = () =>
            new() { Decorrelate = true, InitialWeightsStandardDeviation = 1, ExampleWeightColumnName = nameof(Example.Weight) },
        ["penalty"] = () => new() { L2Regularization = 0.01f },
        ["everything"] = () => new()
        {
            Centered = true,
            Momentum = 0.5f,
            L2Regularization = 0.01f,
            NonNegativeWeights = true,
            GradientClippingNorm = 0.5f
        },
        ["lasso"] = () => new() { L1Regularization = 0.05f },
        ["in order"] = () => new() { Shuffle = false },
        ["not standardised"] = () => new() { Standardize = false, LearningRate = 0.001f },
        ["initial weights"] = () => new() { InitialWeightsStandardDeviation = 1 },
        ["loss"] = () => new() { LossFunction = new HuberLoss(2) },
        ["weighted"] = () => new() { ExampleWeightColumnName = nameof(Example.Weight) },
    };

    /// <summary>Trainings at a constant rate that update the weights of sparse columns lazily.</summary>
    private static readonly string[] _touchedOnly =
        ["plain", "momentum", "centered", "centered with momentum", "no bias correction", "in order", "not standardised", "initial weights", "loss",
        "weighted", "penalty", "decorrelated", "decorrelated with momentum", "decorrelated, centered", "decorrelated with a penalty",
        "decorrelated, weighted, initial weights"];

    /// <summary>Up to 0.5, the average of the second part contains no steps of the first; at 1 it contains all steps of both.</summary>
    private static readonly float[] _fractions = [0, 0.2f, 0.5f, 1];

    public static TheoryData<string, float> Forms => Cross(_forms.Keys, _fractions);

    public static TheoryData<string, float> SparseForms => Cross(_forms.Keys, _fractions);

    [Theory, MemberData(nameof(Forms))]
    public void Fit_TwoTrainingsOfOneEpoch_AreOneOfTwoEpochsBitForBit(string form, float averaged)
    {
        RmsPropRegressionTrainer one = Trainer(ConstantRate(form, 1, averaged));
        IDataView view = _rows.View(_ml);

        RmsPropRegressionTransformer first = one.Fit(view);
        float[] before = first.Parameters();
        RmsPropRegressionTransformer second = one.Fit(view, first);

        RmsPropRegressionTransformer whole = Trainer(ConstantRate(form, 2, averaged)).Fit(view);
        Assert.Equal(whole.Parameters(), second.Parameters());
        Assert.Equal(whole.Training.Epochs.Select(epoch => epoch.Loss), [first.Training.Epochs[0].Loss, second.Training.Epochs[0].Loss]);
        Assert.Equal(before, first.Parameters());        // not changed
        if (averaged != 0.5f)        // half of three epochs begins within the second one
            Assert.Equal(Trainer(ConstantRate(form, 3, averaged)).Fit(view).Parameters(), one.Fit(view, second).Parameters());
    }

    [Theory, MemberData(nameof(SparseForms))]
    public void Fit_TwoTrainingsOfSparseColumns_AreOneOfTwoEpochsBitForBit(string form, float averaged)
    {
        IDataView view = _sparse.View(_ml);
        RmsPropRegressionTrainer one = Trainer(ConstantRate(form, 1, averaged));

        RmsPropRegressionTransformer first = one.Fit(view);
        float[] before = first.Parameters();
        RmsPropRegressionTransformer second = one.Fit(view, first);

        RmsPropRegressionTransformer whole = Trainer(ConstantRate(form, 2, averaged)).Fit(view);
        Assert.Equal((330, _touchedOnly.Contains(form)),
            (second.Training.SparseFeatures, second.Training.UpdatedLazily));
        Assert.Equal(whole.Parameters(), second.Parameters());
        Assert.Equal(whole.Training.Epochs.Select(epoch => epoch.Loss), [first.Training.Epochs[0].Loss, second.Training.Epochs[0].Loss]);
        Assert.Equal(before, first.Parameters());        // not changed
        if (averaged != 0.5f)
            Assert.Equal(Trainer(ConstantRate(form, 3, averaged)).Fit(view).Parameters(), one.Fit(view, second).Parameters());
    }

    [Fact]
    public void Fit_AverageThatReachesBehindItsOwnSteps_IsThatOfItsOwnSteps()
    {
        // 0.8 of four epochs, of which this training runs the last two.
        IDataView view = _rows.View(_ml);
        RmsPropRegressionTransformer first = Trainer(ConstantRate("plain", 2, 0)).Fit(view);

        float[] second = Trainer(ConstantRate("plain", 2, 0.8f)).Fit(view, first).Parameters();

        Assert.Equal(Trainer(ConstantRate("plain", 4, 0.5f)).Fit(view).Parameters(), second);
    }

    [Fact]
    public void Fit_PenaltyAndAveraging_ContinuesFromTheLastWeightsAndNotFromTheAverage()
    {
        // The penalty is too small to matter, except for its effect after the last step.
        Options Form(float l1, float averaged)
        {
            Options options = ConstantRate("plain", 2, averaged);
            options.L1Regularization = l1;
            return options;
        }
        IDataView view = _rows.View(_ml);
        RmsPropRegressionTrainer next = Trainer(Form(1e-12f, 0));

        float[] fromLast = next.Fit(view, Trainer(Form(1e-12f, 0)).Fit(view)).Parameters();

        Assert.Equal(fromLast, next.Fit(view, Trainer(Form(1e-12f, 0.9f)).Fit(view)).Parameters());
    }

    [Fact]
    public void Fit_OtherRowsOfOtherScale_KeepsTheUnitsOfThePreviousTraining()
    {
        var scaled = new Examples(_rows.Features.Select(row => row.Select(x => 3 * x + 1).ToArray()).ToArray(),
            _rows.Labels.Select(y => 2 * y).ToArray());
        RmsPropRegressionTransformer first = _rows.Fit(new() { NumberOfEpochs = 5 });

        RmsPropRegressionTransformer second = Trainer(new() { BatchSize = scaled.Count, NumberOfEpochs = 1, LearningRate = 1e-7f })
            .Fit(scaled.View(_ml), first);

        Assert.Equal(first.State.Scaling.Scale(1), second.State.Scaling.Scale(1));
        Assert.Equal(first.State.Scaling.LabelCenter, second.State.Scaling.LabelCenter);
    }

    public static TheoryData<string> RefusedOptions => [.. OptionChanges.OfMeaning.Keys];

    [Theory, MemberData(nameof(RefusedOptions))]
    public void Fit_OptionThatGivesTheStateItsMeaningDiffers_ThrowsWithTheOptionAndBothValues(string option)
    {
        (Action<Options> change, string before, string after) = OptionChanges.OfMeaning[option];
        var changed = new Options { NumberOfEpochs = 1 };
        change(changed);
        RmsPropRegressionTransformer usual = _rows.Fit(new() { NumberOfEpochs = 1 });
        RmsPropRegressionTransformer other = _rows.Fit(changed);

        AssertRefused(option, before, after, changed, usual);
        AssertRefused(option, after, before, new() { NumberOfEpochs = 1 }, other);
    }

    [Fact]
    public void Fit_LossOfAnotherConstantOrType_ThrowsWithBoth()
    {
        IRegressionLoss[] losses =
        [
            new HuberLoss(1), new HuberLoss(1.5f), new AbsoluteLoss(), new QuantileLoss(0.25f), new QuantileLoss(0.75f),
            new EpsilonInsensitiveLoss(0.5f), new LogCoshLoss(0.5f), new LogCoshLoss(1),
        ];
        for (int i = 0; i < losses.Length; i++)
        {
            RmsPropRegressionTransformer first = _rows.Fit(new() { NumberOfEpochs = 1, LossFunction = losses[i] });
            for (int j = 0; j < losses.Length; j++)
            {
                var options = new Options { NumberOfEpochs = 1, LossFunction = losses[j] };
                if (i == j)
                    Assert.NotNull(Trainer(options).Fit(_rows.View(_ml), first));
                else
                    AssertRefused(nameof(Options.LossFunction), losses[i].ToString()!, losses[j].ToString()!, options, first);
            }
        }
    }

    [Fact]
    public void Fit_RowsFarBeyondTheUnitsOfThePreviousTraining_SaysSo()
    {
        RmsPropRegressionTransformer first = _rows.Fit(new() { NumberOfEpochs = 1 });
        var large = new Examples([.. _rows.Features.Select(row => row.Select(value => 1e25f * value).ToArray())], _rows.Labels);

        var exception = Assert.Throws<InvalidOperationException>(() => Trainer(new() { NumberOfEpochs = 1 }).Fit(large.View(_ml), first));

        Assert.StartsWith("In the units of the training to continue, the features of these rows have a mean squared length of", exception.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_SameLossInAnotherObject_IsAccepted() =>
        Assert.NotNull(Trainer(new() { NumberOfEpochs = 1, LossFunction = new HuberLoss(0.5f) })
            .Fit(_rows.View(_ml), _rows.Fit(new() { NumberOfEpochs = 1, LossFunction = new HuberLoss(0.5f) })));

    private static readonly Dictionary<string, Action<Options>> _accepted = new()
    {
        [nameof(Options.LearningRate)] = options => options.LearningRate = 0.001f,
        [nameof(Options.LearningRateSchedule)] = options => options.LearningRateSchedule = LearningRateSchedule.StepDecay(0.5, 10),
        [nameof(Options.NumberOfEpochs)] = options => options.NumberOfEpochs = 4,
        [nameof(Options.Tolerance)] = options => options.Tolerance = 0.01f,
        [nameof(Options.BatchSize)] = options => options.BatchSize = 17,
        [nameof(Options.AveragedFraction)] = options => options.AveragedFraction = 1,
        [nameof(Options.NumberOfThreads)] = options => options.NumberOfThreads = 1,
        [nameof(Options.MemoryLimitInBytes)] = options => options.MemoryLimitInBytes = 1,
        [nameof(Options.TemporaryDirectory)] = options => options.TemporaryDirectory = Path.GetTempPath(),
        [nameof(Options.ValidationFraction)] = options => options.ValidationFraction = 0.25f,
        [nameof(Options.EarlyStopping)] = options => (options.EarlyStopping, options.ValidationFraction) = (new() { Patience = 2 }, 0.25f),
        [nameof(Options.InitialWeightsStandardDeviation)] = options => options.InitialWeightsStandardDeviation = 100,
        [nameof(Options.Collective)] = options => options.Collective = LocalCollective.Instance,
        [nameof(Options.EpochCompleted)] = options => options.EpochCompleted = _ => { },
        [nameof(Options.Checkpoint)] = options =>
            options.Checkpoint = new() { Path = Path.Combine(Path.GetTempPath(), $"mlnetrms-{Guid.NewGuid()}.checkpoint") },
        [nameof(Options.Progress)] = options => options.Progress = new ProgressCollector(),
    };

    [Fact]
    public void Options_EveryOne_IsComparedOrMayDiffer()
    {
        string[] columnsRowsAndCancellation =
        [
            nameof(Options.LabelColumnName), nameof(Options.FeatureColumnName), nameof(Options.ExampleWeightColumnName),
            nameof(Options.ValidationSet), nameof(Options.CancellationToken),
        ];

        Assert.Equal(typeof(Options).GetProperties().Where(option => option.CanWrite).Select(option => option.Name).Order(),
            OptionChanges.OfMeaning.Keys.Concat(_accepted.Keys).Concat(columnsRowsAndCancellation).Order());
    }

    public static TheoryData<string, bool> AcceptedOptions => Cross(_accepted.Keys, [false, true]);

    [Theory, MemberData(nameof(AcceptedOptions))]
    public void Fit_OptionThatSaysWhatIsDoneNextDiffers_ContinuesFromTheLastWeights(string option, bool sparse)
    {
        Examples rows = sparse ? _sparse : _rows;
        IDataView view = rows.View(_ml);
        var options = new Options { NumberOfEpochs = 2, LearningRate = 0.002f };
        RmsPropRegressionTransformer first = rows.Fit();
        _accepted[option](options);

        RmsPropRegressionTransformer second = Trainer(options).Fit(view, first);

        // The first part has reached the optimum, and a few small steps do not leave it.
        Assert.InRange(second.Rmse(rows), 0.9 * first.Rmse(rows), 1.1 * first.Rmse(rows));
        Assert.Equal(first.State.TotalEpochs + second.Training.Epochs.Count, second.State.TotalEpochs);
    }

    public static TheoryData<string, string, float> Rates
    {
        get
        {
            var rates = new TheoryData<string, string, float>();
            foreach (string form in new[] { "plain", "momentum", "centered with momentum", "decorrelated", "decorrelated with momentum" })
            {
                foreach (string change in new[] { "none", "rate", "to a schedule", "from a schedule" })
                {
                    foreach (float averaged in new[] { 0, 0.5f, 1 })
                        rates.Add(form, change, averaged);
                }
            }
            return rates;
        }
    }

    /// <summary>Momentum updates weights lazily at a constant rate and all of them at a changing one; the state fits both.</summary>
    [Theory, MemberData(nameof(Rates))]
    public void Fit_AnotherRateOfSparseColumns_IsThatOfUpdatingAllWeights(string form, string change, float averaged)
    {
        IDataView view = _sparse.View(_ml);
        // A clipping norm that is never reached only disables lazy updates.
        Models.AssertClose(Both(1e18f), Both(null), OtherRoundings);

        float[] Both(float? clippingNorm)
        {
            Options first = ConstantRate(form, 3, averaged);
            Options second = ConstantRate(form, 2, averaged);
            first.GradientClippingNorm = second.GradientClippingNorm = clippingNorm;
            if (change == "rate")
                second.LearningRate /= 3;
            if (change == "to a schedule")
                second.LearningRateSchedule = LearningRateSchedule.CosineToZero;
            if (change == "from a schedule")
                first.LearningRateSchedule = LearningRateSchedule.CosineToZero;
            return Trainer(second).Fit(view, Trainer(first).Fit(view)).Parameters();
        }
    }

    [Fact]
    public void Fit_PreviousTrainingOfOtherStandardizeOrLength_ThrowsAndSaysWhich()
    {
        RmsPropRegressionTransformer raw = _rows.Fit(new() { Standardize = false, NumberOfEpochs = 1 });
        RmsPropRegressionTransformer narrow = Some.Linear(1, 20, 2).Fit(new() { NumberOfEpochs = 1 });

        var standardize = Assert.Throws<ArgumentException>(() => Trainer(new()).Fit(_rows.View(_ml), raw));
        var length = Assert.Throws<ArgumentException>(() => Trainer(new()).Fit(_rows.View(_ml), narrow));

        Assert.Equal(("previous", "previous"), (standardize.ParamName, length.ParamName));
        Assert.Contains("Standardize False, this trainer has True", standardize.Message, StringComparison.Ordinal);
        Assert.Contains("has 2 weights, but feature column 'Features' has 3 features", length.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, float> ConstantParts => Cross(["label", "features", "one feature", "label and features"], [1e-3f, 1, 1e4f]);

    [Theory, MemberData(nameof(ConstantParts))]
    public void Fit_AfterAPartThatDidNotVary_LearnsAsAFreshFitDoes(string constant, float unit)
    {
        var rows = new Examples(_rows.Features, [.. _rows.Labels.Select(y => unit * y)]);
        float Feature(int column, float value) =>
            constant.Contains("features", StringComparison.Ordinal) || (constant == "one feature" && column == 0) ? 3 : value;
        var part = new Examples(rows.Features.Select(row => row.Select((x, column) => Feature(column, x)).ToArray()).ToArray(),
            constant.StartsWith("label", StringComparison.Ordinal) ? [.. rows.Labels.Select(_ => 7 * unit)] : rows.Labels);
        IDataView view = rows.View(_ml);
        // A short training shows what the optimiser keeps of gradients that were 0, a long one the units.
        foreach (int epochs in new[] { 100, 300 })
        {
            RmsPropRegressionTrainer trainer = Trainer(new() { NumberOfEpochs = epochs });

            RmsPropRegressionTransformer model = trainer.Fit(view, trainer.Fit(part.View(_ml)));

            double fresh = trainer.Fit(view).Rmse(rows);
            Assert.InRange(model.Rmse(rows), 0, 1.05 * fresh);
        }
    }

    [Fact]
    public void Fit_AfterPartsThatDidNotVary_KeepsTheUnitsOfTheFirstThatDid()
    {
        var part = new Examples(_rows.Features, [.. _rows.Labels.Select(_ => 7f)]);
        var wider = new Examples(_rows.Features, [.. _rows.Labels.Select(y => 5 * y)]);
        RmsPropRegressionTrainer trainer = Trainer(new() { NumberOfEpochs = 2 });

        RmsPropRegressionTransformer second = trainer.Fit(_rows.View(_ml), trainer.Fit(part.View(_ml)));
        RmsPropRegressionTransformer third = trainer.Fit(wider.View(_ml), second);

        Assert.NotEqual(1, second.State.Scaling.LabelStandardDeviation);
        Assert.Equal(second.State.Scaling.LabelStandardDeviation, third.State.Scaling.LabelStandardDeviation);
        Assert.Equal(second.State.Scaling.LabelCenter, third.State.Scaling.LabelCenter);
    }

    private void AssertRefused(string option, string before, string after, Options options, RmsPropRegressionTransformer previous)
    {
        var exception = Assert.Throws<ArgumentException>(() => Trainer(options).Fit(_rows.View(_ml), previous));
        Assert.Equal(nameof(previous), exception.ParamName);
        Assert.Contains($"{option} {before}, this trainer has {after}.", exception.Message, StringComparison.Ordinal);
    }

    private RmsPropRegressionTrainer Trainer(Options options) => _ml.Regression.Trainers.RmsProp(options);

    private static Options ConstantRate(string form, int epochs, float averaged)
    {
        Options options = _forms[form]();
        options.Decorrelate ??= false;
        options.NumberOfEpochs = epochs;
        options.BatchSize = 32;
        options.AveragedFraction = averaged;
        options.LearningRateSchedule = LearningRateSchedule.Constant;
        return options;
    }

    private static TheoryData<string, T> Cross<T>(IEnumerable<string> names, IEnumerable<T> values)
    {
        var data = new TheoryData<string, T>();
        foreach (string name in names)
        {
            foreach (T value in values)
                data.Add(name, value);
        }
        return data;
    }
}
