using MlNetRms.Tests.Support;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Tests.Training;

/// <summary>Columns that are 0 in every row: the model is that of the other columns alone, and their weights are 0.</summary>
public sealed class AbsentColumnsTests
{
    /// <summary>Each column is followed by this many columns that are always 0.</summary>
    private const int Gap = 3;

    /// <summary>Longer rows make smaller blocks, so the moments are merged in another order.</summary>
    private const double Rounding = 1e-6;

    public static TheoryData<string> Cases => ["default", "momentum", "centered", "lasso", "penalty", "validation", "clipping"];

    [Theory, MemberData(nameof(Cases))]
    public void Fit_WithColumnsThatAreAlwaysZero_IsThatOfTheOthers(string option) => ForAllRows((wide, sparseRows) =>
    {
        Examples rows = Data(1, wide);
        Options options = With(option);
        var ml = new MLContext(1);

        RmsPropRegressionTransformer expected = ml.Regression.Trainers.RmsProp(options).Fit(rows.View(ml, _ => sparseRows));
        RmsPropRegressionTransformer actual = ml.Regression.Trainers.RmsProp(options).Fit(Spread(rows).View(ml, _ => sparseRows));

        AssertSpread(expected, actual);
        Assert.Equal(expected.Training.ConstantFeatures + Gap * rows.Width, actual.Training.ConstantFeatures);
        Assert.Equal(expected.Training.Epochs[^1].Loss, actual.Training.Epochs[^1].Loss, 1e-6);
    });

    [Theory, MemberData(nameof(Cases))]
    public void Fit_ContinuedWithColumnsThatAreAlwaysZero_IsThatOfTheOthers(string option) => ForAllRows((wide, sparseRows) =>
    {
        (Examples first, Examples second) = (Data(1, wide), Data(2, wide));
        Options options = With(option);
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(options);

        RmsPropRegressionTransformer expected = trainer.Fit(second.View(ml, _ => sparseRows), trainer.Fit(first.View(ml, _ => sparseRows)));
        RmsPropRegressionTransformer actual =
            trainer.Fit(Spread(second).View(ml, _ => sparseRows), trainer.Fit(Spread(first).View(ml, _ => sparseRows)));

        AssertSpread(expected, actual);
    });

    [Theory]
    [InlineData(0f)]
    [InlineData(0.9f)]
    public void Fit_ContinuedOnRowsWithNewColumns_KeepsWhatWasLearnedOfTheOldOnes(float momentum)
    {
        Examples rows = Data(1, wide: true);
        var without = new Examples([.. rows.Features.Select(row => row.Select((x, column) => column % 5 == 0 ? 0 : x).ToArray())], rows.Labels);
        var ml = new MLContext(1);
        var options = new Options
        {
            NumberOfEpochs = 5,
            LearningRateSchedule = LearningRateSchedule.Constant,
            Momentum = momentum,
            AveragedFraction = 0
        };
        RmsPropRegressionTransformer first = ml.Regression.Trainers.RmsProp(options).Fit(without.View(ml, _ => true));
        options.LearningRate = 1e-9f;

        RmsPropRegressionTransformer second = ml.Regression.Trainers.RmsProp(options).Fit(rows.View(ml, _ => true), first);

        Models.AssertClose(first.Parameters()[..^1], second.Parameters()[..^1], 1e-3);
        Assert.All(Enumerable.Range(0, rows.Width).Where(column => column % 5 == 0), column => Assert.Equal(0, first.Model.Weights[column]));
        options.LearningRate = new Options().LearningRate;
        RmsPropRegressionTransformer trained = ml.Regression.Trainers.RmsProp(options).Fit(rows.View(ml, _ => true), first);
        Assert.All(Enumerable.Range(0, rows.Width).Where(column => column % 5 == 0), column => Assert.NotEqual(0, trained.Model.Weights[column]));
    }

    [Fact]
    public void Fit_ValidationRowsWithValuesInOtherColumns_IgnoresThose()
    {
        (Examples rows, Examples validation) = (Data(1, wide: true), Data(2, wide: true));
        var more = new Examples([.. Spread(validation).Features.Select(row => row.Select((x, column) => column % (Gap + 1) == 0 ? x : 7).ToArray())],
            validation.Labels);
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 3 });

        RmsPropRegressionTransformer expected = trainer.Fit(rows.View(ml), validation.View(ml));
        RmsPropRegressionTransformer dense = trainer.Fit(Spread(rows).View(ml), more.View(ml));
        RmsPropRegressionTransformer sparse = trainer.Fit(Spread(rows).View(ml), more.View(ml, _ => true));

        AssertEqualValidation(expected, dense);
        AssertEqualValidation(expected, sparse);
    }

    [Fact]
    public void Fit_StandardizeOff_KeepsTheWeightOfAGivenModel()
    {
        Examples rows = Spread(Data(1, wide: false));
        var ml = new MLContext(1);
        RmsPropRegressionTransformer initial = ml.Regression.Trainers.RmsProp().Fit(Some.Linear(1, 50, rows.Width).View(ml));
        var options = new Options { Standardize = false, NumberOfEpochs = 1, LearningRate = 1e-9f };

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(options).Fit(rows.View(ml, _ => true), initial.Model);

        Assert.Equal(initial.Model.Weights[1], model.Model.Weights[1]);
        Assert.NotEqual(0, model.Model.Weights[1]);
    }

    [Fact]
    public void GetCoefficients_WithColumnsThatAreAlwaysZero_HasOneForEachFeature()
    {
        Examples rows = Data(1, wide: false);
        CoefficientTable expected = rows.Fit().GetCoefficients();

        CoefficientTable actual = Spread(rows).Fit().GetCoefficients();

        for (int column = 0; column < actual.Count; column++)
        {
            Coefficient? of = column % (Gap + 1) == 0 ? expected[column / (Gap + 1)] : null;
            Assert.Equal(of?.Weight ?? 0, actual[column].Weight, Rounding);
            Assert.Equal(of is null, actual[column].StandardError is null);
            Assert.Equal(of?.StandardError ?? 0, actual[column].StandardError ?? 0, Rounding);
            Assert.Equal(of?.WeightPerStandardDeviation ?? 0, actual[column].WeightPerStandardDeviation!.Value, Rounding);
        }
    }

    private static void ForAllRows(Action<bool, bool> assert)
    {
        foreach (bool wide in (bool[])[false, true])
        {
            assert(wide, false);
            assert(wide, true);
        }
    }

    /// <summary>No column is always 0: 8 dense ones, or 2 dense ones and 90 with few values.</summary>
    private static Examples Data(int seed, bool wide)
    {
        Examples rows = wide ? Some.MostlyZero(seed, 2000, 2, 90, 3) : Some.Linear(seed, 300, 8);
        Assert.Equal(rows.Width, rows.OccurringColumns);
        return rows;
    }

    private static Options With(string option) => new()
    {
        NumberOfEpochs = 4,
        BatchSize = 32,
        Momentum = option == "momentum" ? 0.9f : 0,
        LearningRateSchedule = option == "momentum" ? LearningRateSchedule.Constant : new Options().LearningRateSchedule,
        Centered = option == "centered",
        L1Regularization = option == "lasso" ? 0.01f : 0,
        L2Regularization = option == "penalty" ? 0.01f : null,
        ValidationFraction = option == "validation" ? 0.2f : 0,
        GradientClippingNorm = option == "clipping" ? 1 : null,
    };

    private static Examples Spread(Examples rows) => new(
        [.. rows.Features.Select(row => row.SelectMany(x => Enumerable.Repeat(0f, Gap).Prepend(x)).ToArray())], rows.Labels, rows.Weights);

    private static void AssertEqualValidation(RmsPropRegressionTransformer expected, RmsPropRegressionTransformer actual) =>
        Assert.All(expected.Training.Epochs.Zip(actual.Training.Epochs),
            pair => Assert.Equal(pair.First.ValidationLoss!.Value, pair.Second.ValidationLoss!.Value, 1e-5));

    private static void AssertSpread(RmsPropRegressionTransformer expected, RmsPropRegressionTransformer actual)
    {
        float[] weights = [.. actual.Model.Weights];
        Assert.All(weights.Where((_, column) => column % (Gap + 1) != 0), weight => Assert.Equal(0, weight));
        Models.AssertClose(expected.Parameters(), [.. weights.Where((_, column) => column % (Gap + 1) == 0), actual.Model.Bias], Rounding);
    }
}
