using Microsoft.ML.Trainers;
using MlNetRms.Losses;
using MlNetRms.MlNet;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

public sealed class WarmStartTests
{
    private readonly MLContext _ml = new(1);
    private readonly Rows _rows = Some.Linear(1, 300, [1, 10, 0.1], means: [5, 0, 1], labelOffset: 50, labelScale: 4);

    /// <summary>One step over all rows, whose loss is judged by the weights before it.</summary>
    private static Options OneStep(Rows rows, bool standardize = true) => new()
    {
        Standardize = standardize,
        BatchSize = rows.Count,
        NumberOfEpochs = 1,
        LearningRate = 1e-7f,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_WeightsOfLeastSquaresAndATinyRate_StaysAtThem(bool standardize)
    {
        RmsPropRegressionTransformer best = _rows.Fit();

        RmsPropRegressionTransformer model = Trainer(OneStep(_rows, standardize)).Fit(_rows.View(_ml), best.Model);

        Models.AssertClose(best.Parameters(), model.Parameters(), 1e-5);        // folded in and back, in float
        double half = 0.5 * Math.Pow(best.Rmse(_rows), 2);
        Assert.Equal(half, model.Training.Epochs[0].Loss, 1e-4 * half);
        Assert.True(Trainer(OneStep(_rows, standardize)).Fit(_rows.View(_ml)).Training.Epochs[0].Loss > 2 * half);        // from zero
    }

    [Fact]
    public void Fit_AnyWeights_TakesItsFirstStepFromThem()
    {
        // One full batch with bias correction and not centered: ŝ = g², so w ← w − η·g / (|g| + ε).
        var start = new float[] { 0.5f, -2, 3, 7 };
        var options = new Options { Standardize = false, BatchSize = 1000, NumberOfEpochs = 1, LearningRate = 0.25f, LearningRateSchedule = LearningRateSchedule.Constant };
        var gradient = new double[4];
        for (int row = 0; row < _rows.Count; row++)
        {
            double residual = start[3] - _rows.Labels[row] + _rows.Features[row].Zip(start, (x, w) => (double)x * w).Sum();
            for (int i = 0; i < 4; i++)
                gradient[i] += residual * (i < 3 ? _rows.Features[row][i] : 1) / _rows.Count;
        }

        float[] actual = Trainer(options).Fit(_rows.View(_ml), NewModel(start[..3], start[3])).Parameters();

        for (int i = 0; i < 4; i++)
            Assert.Equal(start[i] - 0.25 * gradient[i] / (Math.Abs(gradient[i]) + 0.01), actual[i], 1e-5);
    }

    [Fact]
    public void Fit_ModelsOfMlNetsOwnTrainers_StartsWithTheirLoss()
    {
        LinearModelParameters[] models =
        [
            _ml.Regression.Trainers.Sdca(maximumNumberOfIterations: 3).Fit(_rows.View(_ml)).Model,
            _ml.Regression.Trainers.OnlineGradientDescent(learningRate: 1e-4f).Fit(_rows.View(_ml)).Model,
        ];
        foreach (LinearModelParameters model in models)
        {
            double expected = Enumerable.Range(0, _rows.Count).Average(row =>
                0.5 * Math.Pow(model.Bias - _rows.Labels[row] + _rows.Features[row].Zip(model.Weights, (x, w) => (double)x * w).Sum(), 2));

            Assert.Equal(expected, Trainer(OneStep(_rows)).Fit(_rows.View(_ml), model).Training.Epochs[0].Loss, 1e-4 * expected);
        }
    }

    [Fact]
    public void Fit_SparseColumns_StartsWithTheModelsLoss()
    {
        Rows rows = Some.MostlyZero(1, 400, 2, 90, 3);
        RmsPropRegressionTransformer first = rows.Fit(new() { NumberOfEpochs = 20 });
        double expected = 0.5 * Math.Pow(first.Rmse(rows), 2);

        Assert.Equal(expected, Trainer(OneStep(rows)).Fit(rows.View(_ml), first.Model).Training.Epochs[0].Loss, 1e-4 * expected);
    }

    [Fact]
    public void Fit_ModelOfAnotherLength_ThrowsWithBothLengths()
    {
        var exception = Assert.Throws<ArgumentException>(() => Trainer(new()).Fit(_rows.View(_ml), NewModel([1, 2], 0)));

        Assert.Equal("initialModel", exception.ParamName);
        Assert.Contains("has 2 weights, but feature column 'Features' has 3 features", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_NoModelToStartFrom_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(_rows.View(_ml), (LinearModelParameters)null!));
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(_rows.View(_ml), (RmsPropRegressionTransformer)null!));
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(null!, NewModel([1, 2, 3], 0)));
    }

    private static readonly Dictionary<string, Options> _forms = new()
    {
        ["plain"] = new(),
        ["momentum"] = new() { Momentum = 0.9f, LearningRate = 0.01f },
        ["centered"] = new() { Centered = true },
        ["no bias correction"] = new() { BiasCorrection = false, Alpha = 0.9f },
        ["everything"] = new() { Centered = true, Momentum = 0.5f, L2Regularization = 0.01f, NonNegativeWeights = true, GradientClippingNorm = 0.5f },
        ["lasso"] = new() { L1Regularization = 0.05f },
        ["in order"] = new() { Shuffle = false },
        ["not standardised"] = new() { Standardize = false, LearningRate = 0.001f },
        ["initial weights"] = new() { InitialWeightsStandardDeviation = 1 },
        ["loss"] = new() { LossFunction = new HuberLoss(2) },
        ["weighted"] = new() { ExampleWeightColumnName = nameof(Row.Weight) },
    };

    public static TheoryData<string> Forms => new(_forms.Keys);

    [Theory, MemberData(nameof(Forms))]
    public void Fit_TwoTrainingsOfOneEpoch_AreOneOfTwoEpochsBitForBit(string form)
    {
        RmsPropRegressionTrainer one = Trainer(ConstantRate(form, 1));
        IDataView view = _rows.View(_ml);

        RmsPropRegressionTransformer first = one.Fit(view);
        float[] before = first.Parameters();
        RmsPropRegressionTransformer second = one.Fit(view, first);

        RmsPropRegressionTransformer whole = Trainer(ConstantRate(form, 2)).Fit(view);
        Assert.Equal(whole.Parameters(), second.Parameters());
        Assert.Equal(whole.Training.Epochs.Select(epoch => epoch.Loss), [first.Training.Epochs[0].Loss, second.Training.Epochs[0].Loss]);
        Assert.Equal(before, first.Parameters());        // not changed
        Assert.Equal(Trainer(ConstantRate(form, 3)).Fit(view).Parameters(), one.Fit(view, second).Parameters());
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("centered")]
    [InlineData("no bias correction")]
    [InlineData("momentum")]
    public void Fit_TwoTrainingsOfSparseColumns_AreOneToRounding(string form)
    {
        IDataView view = Some.MostlyZero(1, 400, 2, 90, 3).View(_ml);
        RmsPropRegressionTrainer one = Trainer(ConstantRate(form, 1));

        RmsPropRegressionTransformer twice = one.Fit(view, one.Fit(view));

        Assert.Equal(90, twice.Training.SparseFeatures);
        Models.AssertClose(Trainer(ConstantRate(form, 2)).Fit(view).Parameters(), twice.Parameters(), 5e-5);        // the means decay in one go or in two
    }

    [Fact]
    public void Fit_PenaltyAndAveraging_GoesOnFromTheLastWeightsAndNotFromTheAverage()
    {
        // The penalty is too small to matter, but for what it does after the last step.
        Options Form(float l1, float averaged)
        {
            Options options = ConstantRate("plain", 2);
            options.L1Regularization = l1;
            options.AveragedFraction = averaged;
            return options;
        }
        IDataView view = _rows.View(_ml);
        RmsPropRegressionTrainer goOn = Trainer(Form(1e-12f, 0));

        float[] fromLast = goOn.Fit(view, Trainer(Form(1e-12f, 0)).Fit(view)).Parameters();

        Assert.Equal(fromLast, goOn.Fit(view, Trainer(Form(1e-12f, 0.9f)).Fit(view)).Parameters());
    }

    [Fact]
    public void Fit_OtherRowsOfOtherScale_KeepsTheUnitsOfThePreviousTraining()
    {
        var scaled = new Rows(_rows.Features.Select(row => row.Select(x => 3 * x + 1).ToArray()).ToArray(), _rows.Labels.Select(y => 2 * y).ToArray());
        RmsPropRegressionTransformer first = _rows.Fit(new() { NumberOfEpochs = 5 });

        RmsPropRegressionTransformer second = Trainer(OneStep(scaled)).Fit(scaled.View(_ml), first);

        Assert.Equal(first.State.Standardizer.Scale(1), second.State.Standardizer.Scale(1));
        Assert.Equal(first.State.Standardizer.LabelCenter, second.State.Standardizer.LabelCenter);
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

    private RmsPropRegressionTrainer Trainer(Options options) => _ml.Regression.Trainers.RmsProp(options);

    private LinearRegressionModelParameters NewModel(float[] weights, float bias) => MlNetInternals.NewLinearModel(_ml, weights, bias);

    private static Options ConstantRate(string form, int epochs)
    {
        Options options = _forms[form];
        options.NumberOfEpochs = epochs;
        options.BatchSize = 32;
        options.AveragedFraction = 0;
        options.LearningRateSchedule = LearningRateSchedule.Constant;
        return options;
    }
}
