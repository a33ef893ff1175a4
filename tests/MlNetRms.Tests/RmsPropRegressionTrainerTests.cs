using CsCheck;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests;

/// <summary>What training computes: invariants, and equality with plain scalar code.</summary>
public sealed class RmsPropRegressionTrainerTests
{
    /// <summary>Two trainings that add the same sums in another order differ by float roundings, 6e-8 each.</summary>
    private const double OtherOrderOfAddition = 2e-5;

    public static TheoryData<bool, float, bool, EpsilonPlacement> AllForms => RmsPropTests.AllForms;

    [Theory, MemberData(nameof(AllForms))]
    public void Fit_NotShuffledNotStandardized_EqualsTheScalarTraining(bool centered, float momentum, bool biasCorrection, EpsilonPlacement placement)
    {
        Examples rows = Some.Linear(1, 53, 4, weighted: true);
        var options = new Options
        {
            Standardize = false,
            Shuffle = false,
            BatchSize = 10,
            NumberOfEpochs = 12,
            Alpha = 0.9f,
            Epsilon = 0.1f,
            LearningRate = momentum > 0 ? 0.005f : 0.05f,
            Centered = centered,
            Momentum = momentum,
            BiasCorrection = biasCorrection,
            EpsilonPlacement = placement,
            L2Regularization = 0.01f,
            ExampleWeightColumnName = nameof(Example.Weight),
        };

        RmsPropRegressionTransformer model = rows.Fit(options);

        (double[] expected, double[] losses) = ScalarTraining.Run(rows, options);
        // Centering subtracts nearly equal numbers, which costs some of float's digits.
        Models.AssertClose(expected.Select(parameter => (float)parameter).ToArray(), model.Parameters(), centered ? 1e-3 : OtherOrderOfAddition);
        Models.AssertClose(losses.Select(loss => (float)loss).ToArray(), model.Training.Epochs.Select(epoch => (float)epoch.Loss).ToArray(),
            centered ? 1e-3 : OtherOrderOfAddition);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5f)]
    [InlineData(1)]
    public void Fit_AveragedFraction_EqualsTheScalarTraining(float fraction)
    {
        Examples rows = Some.Linear(1, 40, 3);
        var options = new Options
        {
            Standardize = false,
            Shuffle = false,
            BatchSize = 8,
            NumberOfEpochs = 4,
            AveragedFraction = fraction,
        };

        float[] expected = ScalarTraining.Run(rows, options).Parameters.Select(parameter => (float)parameter).ToArray();

        Models.AssertClose(expected, rows.Fit(options).Parameters(), OtherOrderOfAddition);
    }

    [Fact]
    public void Fit_Standardized_EqualsTrainingAfterAnExplicitNormalizer()
    {
        Examples rows = Some.Linear(2, 600, [1, 1e-3, 500, 7], means: [3, 0.01, -20, 0], labelOffset: 40, labelScale: 12);
        (double mean, double deviation) = LeastSquares.Moments(rows.Labels.Select(y => (double)y), Enumerable.Repeat(1.0, rows.Count).ToArray());
        var standardLabels = new Examples(rows.Features, rows.Labels.Select(y => (float)((y - mean) / deviation)).ToArray());
        var ml = new MLContext(1);
        IDataView view = standardLabels.View(ml);

        float[] inside = rows.Fit(InTheUnitsOfTraining(standardize: true)).Scores(rows.View(ml));
        float[] outside = ml.Transforms.NormalizeMeanVariance("Features", fixZero: false)
            .Append(ml.Regression.Trainers.RmsProp(InTheUnitsOfTraining(standardize: false))).Fit(view).Scores(view);

        // Both train on the same numbers, except for roundings in the normalizer's float arithmetic. The bias is the average of the last
        // steps with the normalizer, and computed from the means with standardisation.
        Models.AssertClose(inside, outside.Select(score => (float)(mean + deviation * score)).ToArray(), 1e-4);
    }

    [Fact]
    public void Fit_Standardized_HasTheWeightsOfTrainingOnHandStandardizedRows()
    {
        Examples rows = Some.Linear(2, 600, [1, 1e-3, 500, 7], means: [3, 0.01, -20, 0], labelOffset: 40, labelScale: 12);
        double[] ones = Enumerable.Repeat(1.0, rows.Count).ToArray();
        (double labelMean, double labelDeviation) = LeastSquares.Moments(rows.Labels.Select(y => (double)y), ones);
        (double Mean, double StandardDeviation)[] columns =
            Enumerable.Range(0, rows.Width).Select(i => LeastSquares.Moments(rows.Features.Select(row => (double)row[i]), ones)).ToArray();
        var standardized = new Examples(
            rows.Features.Select(row => row.Select((x, i) => (float)((x - columns[i].Mean) / columns[i].StandardDeviation)).ToArray()).ToArray(),
            rows.Labels.Select(y => (float)((y - labelMean) / labelDeviation)).ToArray());

        float[] expected = standardized.Fit(InTheUnitsOfTraining(standardize: false)).Model.Weights.ToArray();

        float[] actual = rows.Fit(InTheUnitsOfTraining(standardize: true)).Model.Weights.Select((w, i) =>
            (float)(w * columns[i].StandardDeviation / labelDeviation)).ToArray();
        Models.AssertClose(expected, actual, OtherOrderOfAddition);
    }

    public static TheoryData<int, int> Shapes => new()
    {
        { 6, 0 },            // nothing sparse
        { 3, 20 },           // too few sparse columns to be stored separately
        { 3, 100 },          // sparse columns that are decorrelated together with the others
        { 3, 330 },          // stored as indices and values
        { 0, 330 },          // sparse columns only
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Fit_DenseSparseOrMixedRows_GiveTheSameModel(int denseColumns, int sparseColumns)
    {
        Examples rows = sparseColumns > 0 ? Some.MostlyZero(3, 1000, denseColumns, sparseColumns, 2) : Some.Linear(3, 1000, denseColumns);
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(numberOfEpochs: 50);

        RmsPropRegressionTransformer dense = trainer.Fit(rows.View(ml));
        RmsPropRegressionTransformer sparse = trainer.Fit(rows.View(ml, _ => true));
        RmsPropRegressionTransformer mixed = trainer.Fit(rows.View(ml, row => row % 3 == 0));

        Assert.Equal(sparseColumns >= 64 ? rows.OccurringColumns - denseColumns : 0, dense.Training.SparseFeatures);
        Assert.Equal(dense.Training.SparseFeatures, sparse.Training.SparseFeatures);
        Models.AssertClose(dense.Parameters(), sparse.Parameters(), OtherOrderOfAddition);
        Models.AssertClose(dense.Parameters(), mixed.Parameters(), OtherOrderOfAddition);
    }

    [Fact]
    public void Fit_WeightOfAWholeNumber_EqualsTheRowThatManyTimes()
    {
        Examples rows = Some.Linear(4, 60, [1, 10, 0.1], means: [1, 0, 5]);
        int[] times = Enumerable.Range(0, rows.Count).Select(row => 1 + row % 3).ToArray();
        var weighted = new Examples(rows.Features, rows.Labels, times.Select(count => (float)count).ToArray());
        Examples repeated = rows.Take(Enumerable.Range(0, rows.Count).SelectMany(row => Enumerable.Repeat(row, times[row])));
        var options = new Options { BatchSize = 1000, NumberOfEpochs = 200 };        // full batches: the same rows in each step

        float[] expected = repeated.Fit(options).Parameters();

        options.ExampleWeightColumnName = nameof(Example.Weight);
        Models.AssertClose(expected, weighted.Fit(options).Parameters(), OtherOrderOfAddition);
    }

    [Fact]
    public void Fit_FeaturesPermuted_PermutesTheWeights()
    {
        Examples rows = Some.MostlyZero(5, 500, 4, 80, 5);
        int[] order = Enumerable.Range(0, rows.Width).ToArray();
        new Random(1).Shuffle(order);
        var permuted = new Examples(rows.Features.Select(row => order.Select(i => row[i]).ToArray()).ToArray(), rows.Labels);
        var options = new Options { Decorrelate = false, NumberOfEpochs = 30 };

        RmsPropRegressionTransformer straight = rows.Fit(options);
        RmsPropRegressionTransformer shuffled = permuted.Fit(options);

        Models.AssertClose(order.Select(i => straight.Model.Weights[i]).ToArray(), shuffled.Model.Weights.ToArray(), OtherOrderOfAddition);
        Assert.Equal(straight.Model.Bias, shuffled.Model.Bias, 1e-4);        // a sum of 84 products around 1, rounded to float
    }

    [Fact]
    public void Fit_Twice_GivesIdenticalBitsAndChangesNeitherTrainerNorOptions()
    {
        Examples rows = Some.Linear(6, 300, 4);
        var ml = new MLContext(1);
        var options = new Options { NumberOfEpochs = null, BatchSize = 1000 };
        Dictionary<string, object?> before = Values(options);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(options);

        float[] first = trainer.Fit(rows.View(ml)).Parameters();
        Some.Linear(7, 50, 4).Fit();
        trainer.Fit(Some.Linear(8, 70, 9).View(ml));        // other data in between

        Assert.Equal(first, trainer.Fit(rows.View(ml)).Parameters());
        Assert.Equal(before, Values(options));
    }

    [Fact]
    public void Fit_OptionsChangedAfterTheTrainerWasBuilt_HasNoEffect()
    {
        Examples rows = Some.Linear(6, 300, 4);
        var ml = new MLContext(1);
        var options = new Options { NumberOfEpochs = 5 };
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(options);
        float[] expected = trainer.Fit(rows.View(ml)).Parameters();

        options.LearningRate = 7;
        options.FeatureColumnName = "Absent";
        options.NumberOfEpochs = 1;
        options.Seed = 99;
        options.LearningRateSchedule = LearningRateSchedule.Constant;

        Assert.Equal(expected, trainer.Fit(rows.View(ml)).Parameters());
    }

    [Fact]
    public void Fit_ContextsOfOtherSeedsAndHistories_GiveIdenticalBits()
    {
        Examples rows = Some.Linear(6, 300, 4);
        var options = new Options { Seed = 11, InitialWeightsStandardDeviation = 0.1f };
        var plain = new MLContext(1);
        float[] expected = plain.Regression.Trainers.RmsProp(options).Fit(rows.View(plain)).Parameters();

        var other = new MLContext(12345);
        other.Regression.Trainers.OnlineGradientDescent().Fit(rows.View(other));
        RmsPropRegressionTrainer trainer = other.Regression.Trainers.RmsProp(options);
        other.Regression.Trainers.Sdca();
        Assert.Equal(expected, trainer.Fit(other.Data.Cache(rows.View(other))).Parameters());

        var unseeded = new MLContext();
        Assert.Equal(expected, unseeded.Regression.Trainers.RmsProp(options).Fit(rows.View(unseeded)).Parameters());
    }

    [Fact]
    public void Fit_OtherSeed_GivesAnotherModelCloseBy()
    {
        Examples rows = Some.Linear(6, 300, 4);

        float[] one = rows.Fit(new() { Seed = 1 }).Parameters();
        float[] two = rows.Fit(new() { Seed = 2 }).Parameters();

        Assert.NotEqual(one, two);
        // With 300 rows and noise 0.3 the optimum has a standard error of 0.017; two runs should agree to a tenth of it.
        Models.AssertClose(one, two, 1.7e-3);
    }

    [Fact]
    public void Fit_NotShuffled_DoesNotDependOnTheSeed()
    {
        Examples rows = Some.Linear(6, 300, 4);

        Assert.Equal(rows.Fit(new() { Seed = 1, Shuffle = false }).Parameters(), rows.Fit(new() { Seed = 2, Shuffle = false }).Parameters());
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 100)]
    public void Fit_InitialWeights_AreDrawnFromTheNormalDistributionOfTheOption(int denseColumns, int sparseColumns)
    {
        Examples rows = sparseColumns > 0 ? Some.MostlyZero(1, 300, denseColumns, sparseColumns, 2) : Some.Linear(1, 300, 2000);
        var options = new Options
        {
            InitialWeightsStandardDeviation = 0.5f,
            Standardize = false,
            NumberOfEpochs = 1,
            LearningRateSchedule = LearningRateSchedule.Custom("still", (_, _) => 0),
        };

        RmsPropRegressionTransformer model = rows.Fit(options);

        int count = model.Model.Weights.Count;
        Assert.Equal(0, model.Model.Bias);
        // Five standard errors of a mean and of a standard deviation.
        Assert.InRange(model.Model.Weights.Average(), -5 * 0.5 / Math.Sqrt(count), 5 * 0.5 / Math.Sqrt(count));
        Assert.Equal(0.5, Math.Sqrt(model.Model.Weights.Average(w => w * w)), 5 * 0.5 / Math.Sqrt(2 * count));
        options.Seed = 2;
        Assert.NotEqual(model.Model.Weights, rows.Fit(options).Model.Weights);
    }

    [Fact]
    public void Fit_OneRow_PredictsItsLabel()
    {
        var row = new Examples([[1f, 2f, 3f]], [4.5f]);

        RmsPropRegressionTransformer model = row.Fit();

        Assert.Equal([4.5f], model.Scores(row.View(new MLContext(1))));
        Assert.Equal(3, model.Training.ConstantFeatures);
        Assert.Equal(31 * 250, model.Training.TotalSteps);        // at most: five rounds, each twice as long as the one before
        Assert.Equal(0, model.Training.OptimalityGap!.Share);
    }

    [Fact]
    public void Fit_AllFeaturesZero_PredictsTheMeanLabel()
    {
        var rows = new Examples(Enumerable.Range(0, 8).Select(_ => new float[70]).ToArray(), [1, 2, 3, 4, 5, 6, 7, 8]);

        RmsPropRegressionTransformer model = rows.Fit(new() { NumberOfEpochs = 2 });

        Assert.All(model.Model.Weights, weight => Assert.Equal(0, weight));
        Assert.Equal(4.5f, model.Model.Bias);
    }

    [Theory]
    [InlineData(100, 10, 10)]
    [InlineData(101, 10, 11)]
    [InlineData(7, 128, 1)]
    public void Fit_AnyRows_ReportsTheLengthThatTookEffect(int rowCount, int batchSize, int stepsPerEpoch)
    {
        TrainingReport report = Some.Linear(1, rowCount, 2).Fit(new() { BatchSize = batchSize, NumberOfEpochs = 3 }).Training;

        Assert.Equal(Math.Min(batchSize, rowCount), report.BatchSize);
        Assert.Equal(stepsPerEpoch, report.StepsPerEpoch);
        Assert.Equal(3 * stepsPerEpoch, report.TotalSteps);
        Assert.Equal([1, 2, 3], report.Epochs.Select(epoch => epoch.Epoch));
        Assert.Equal(StopReason.AllEpochsCompleted, report.StopReason);
        Assert.Equal(rowCount, report.RowsRead);
        Assert.Equal(rowCount, report.RowsUsed);
        Assert.Equal(report.Epochs.Select(epoch => epoch.Elapsed).Order(), report.Epochs.Select(epoch => epoch.Elapsed));
        Assert.True(report.ReadingTime > TimeSpan.Zero && report.TrainingTime >= report.Epochs[^1].Elapsed);
    }

    [Fact]
    public void Fit_Standardized_ReportsTheLossInLabelUnits()
    {
        Examples rows = Some.Linear(1, 500, [1, 1], labelOffset: 1000, labelScale: 100, noise: 0.5);

        RmsPropRegressionTransformer model = rows.Fit();

        double halfMeanSquare = 0.5 * Math.Pow(model.Rmse(rows), 2);
        // Evaluated before each batch's step, at learning rates that have fallen to 0.03 of the first.
        Assert.Equal(halfMeanSquare, model.Training.Epochs[^1].Loss, 1e-3 * halfMeanSquare);
        Assert.True(model.Training.Epochs[0].Loss > 2 * halfMeanSquare);
    }

    [Fact]
    public void Fit_OneRowForAHundredThousandEpochs_EndsWithSomeReports()
    {
        TrainingReport report = new Examples([[1f, 2f]], [3f]).Fit(new() { NumberOfEpochs = 100_000, Standardize = false }).Training;

        Assert.Equal(100_000, report.TotalSteps);
        Assert.InRange(report.Epochs.Count, 5_000, 10_000);
        Assert.Equal((1, 100_000), (report.Epochs[0].Epoch, report.Epochs[^1].Epoch));
        int spacing = report.Epochs[2].Epoch - report.Epochs[1].Epoch;
        Assert.Equal(Enumerable.Range(1, 99_999 / spacing).Select(multiple => multiple * spacing),
            report.Epochs.Skip(1).SkipLast(1).Select(epoch => epoch.Epoch));
        Assert.Equal((100_000, 100_000L, 100_000), (report.Epochs[^1].NumberOfEpochs, report.Epochs[^1].Step, report.ReturnedEpoch));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Info_NeedNormalization_IsTheOppositeOfStandardize(bool standardize)
    {
        var trainer = new MLContext(1).Regression.Trainers.RmsProp(new Options { Standardize = standardize });

        Assert.Equal(!standardize, trainer.Info.NeedNormalization);
        Assert.False(trainer.Info.WantCaching);
    }

    [Fact]
    public void Fit_AnyScales_GivesFiniteNumbersOrThrowsInvalidOperation()
    {
        // Scales from 1e-30 to 1e30, constant columns, few rows, standardised or not, good and extreme learning rates.
        Gen<float> scale = Gen.Int[-30, 30].Select(exponent => (float)Math.Pow(10, exponent));
        Gen<float> value = Gen.OneOf(Gen.Const(0f), Gen.Const(1f), Gen.Float[-1, 1]);
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 10], Gen.Bool, Gen.Int[-3, 6], Gen.Int[0, int.MaxValue])
            .SelectMany((rowCount, width, standardize, rate, seed) => Gen.Select(
                value.Array[width].Array[rowCount], scale.Array[width], value.Array[rowCount], scale, Gen.Float[1e-3f, 1e3f].Array[rowCount],
                (features, scales, labels, labelScale, weights) => (
                    Rows: new Examples(features.Select(row => row.Zip(scales, (x, s) => x * s).ToArray()).ToArray(),
                        labels.Select(y => y * labelScale).ToArray(), weights),
                    Options: new Options
                    {
                        Standardize = standardize,
                        LearningRate = (float)Math.Pow(10, rate),
                        NumberOfEpochs = 20,
                        BatchSize = 4,
                        Seed = seed,
                        Centered = seed % 2 == 0,
                        Momentum = seed % 3 == 0 ? 0.9f : 0,
                        L2Regularization = seed % 5 == 0 ? 1 : 0,
                        ExampleWeightColumnName = nameof(Example.Weight),
                    })))
            .Sample(data => FitsFinitelyOrSaysWhyNot(data.Rows, data.Options), iter: 1500, threads: 1);
    }

    private static bool FitsFinitelyOrSaysWhyNot(Examples rows, Options options)
    {
        try
        {
            RmsPropRegressionTransformer model = rows.Fit(options);
            return model.Parameters().All(float.IsFinite) && model.Training.Epochs.All(epoch => double.IsFinite(epoch.Loss));
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    /// <summary>Both step in the raw columns; the rows are too short for another learning rate.</summary>
    private static Options InTheUnitsOfTraining(bool standardize) => new()
    {
        Standardize = standardize,
        Decorrelate = false,
        Epsilon = 0.01f,
        BatchSize = 128,
        NumberOfEpochs = 2000,
        LearningRateSchedule = LearningRateSchedule.CosineToZero,
    };

    private static Dictionary<string, object?> Values(Options options) =>
        typeof(Options).GetProperties().Where(property => property.GetMethod is { IsStatic: false })
            .ToDictionary(property => property.Name, property => property.GetValue(options));
}
