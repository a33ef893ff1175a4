using Microsoft.ML.Data;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Contract;

/// <summary>
/// Checks from scikit-learn (sklearn.utils.estimator_checks, 1.7) that apply to an ML.NET regressor and are not covered elsewhere; each test has
/// the name of the original.
/// </summary>
public sealed class EstimatorChecksTests
{
    /// <summary>Tolerance of a prediction against the exact answer, in standard deviations of the label.</summary>
    private const double NearTheOptimum = 1e-3;

    /// <summary>RMSE grows with the square of the distance.</summary>
    private const float Near = 1e-7f;

    private readonly MLContext _ml = new(1);

    private static Options Weighted => new() { ExampleWeightColumnName = nameof(Example.Weight) };

    [Fact]
    public void CheckEstimatorsOverwriteParams_AnyOption_IsAfterTheFitWhatItWas()
    {
        var options = new Options
        {
            LearningRateSchedule = LearningRateSchedule.InverseSquareRoot(50),
            LossFunction = new HuberLoss(),
            ValidationSet = Some.Linear(2, 30, 3).View(_ml),
            EarlyStopping = new EarlyStopping { Patience = 2 },
            EpochCompleted = _ => { },
        };
        Dictionary<string, object?> before = Values();
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(options);
        TrainerInfo info = trainer.Info;

        trainer.Fit(Some.Linear(1, 200, 3).View(_ml));

        Assert.Equal(before, Values());
        Assert.Same(info, trainer.Info);

        Dictionary<string, object?> Values() => typeof(Options).GetProperties().Where(property => property.GetMethod is { IsStatic: false })
            .ToDictionary(property => property.Name, property => property.GetValue(options));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CheckFitIdempotent_SecondFitOfTheSameTrainer_GivesTheSameBits(bool standardize)
    {
        Examples rows = Some.MostlyZero(1, 150, 3, 70, 3);
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(new Options { Standardize = standardize, NumberOfEpochs = 20 });
        IDataView view = rows.View(_ml, row => row % 2 == 0);
        RmsPropRegressionTransformer first = trainer.Fit(view);
        RmsPropRegressionTransformer second = trainer.Fit(view);

        Assert.Equal(first.Parameters(), second.Parameters());
        Assert.Equal(first.Scores(view), second.Scores(view));
        Assert.Equal(first.Training.Epochs.Select(epoch => epoch.Loss), second.Training.Epochs.Select(epoch => epoch.Loss));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(600)]
    public void CheckFit2d1Sample_OneRow_PredictsItsLabel(int columns)
    {
        Examples rows = Some.Linear(1, 1, columns);

        RmsPropRegressionTransformer model = rows.Fit(Weighted);

        Assert.Equal(rows.Labels, model.Scores(rows.View(_ml)));
        Assert.All(model.Model.Weights, weight => Assert.Equal(0, weight));
    }

    [Fact]
    public void CheckFit2d1Feature_OneColumn_IsTheExactLine()
    {
        Examples rows = Some.Linear(1, 10, 1);
        AssertNearTheOptimum(rows, rows.Fit());
    }

    [Fact]
    public void CheckRegressorsTrain_LinearLabel_IsExplained()
    {
        Examples rows = Some.Linear(1, 200, 10);

        RmsPropRegressionTransformer model = rows.Fit();

        AssertNearTheOptimum(rows, model);
        Assert.InRange(_ml.Regression.Evaluate(model.Transform(rows.View(_ml))).RSquared, 0.5, 1);
    }

    [Theory]
    [InlineData(float.MaxValue)]
    [InlineData(float.MinValue)]
    [InlineData(1e38f)]
    [InlineData(float.Epsilon)]
    [InlineData(1e-40f)]
    [InlineData(-1e-38f)]
    public void CheckEstimatorsNanInf_ExtremeButFiniteFloats_GiveFiniteNumbersOrAnErrorThatNamesTheCause(float extreme)
    {
        for (int place = 0; place < 3; place++)
        {
            Examples usual = Some.Linear(1, 40, 2);
            for (int row = 0; row < usual.Count; row += place == 2 ? 1 : 7)
                (place == 0 ? ref usual.Features[row][1] : ref usual.Labels[row]) = row % 2 == 0 ? extreme : -extreme;

            try
            {
                RmsPropRegressionTransformer model = usual.Fit();
                Assert.All(model.Parameters(), parameter => Assert.True(float.IsFinite(parameter)));
                Assert.All(model.Training.Epochs, epoch => Assert.True(double.IsFinite(epoch.Loss)));
                LeastSquares exact = new(usual);
                Assert.InRange(model.Rmse(usual), 0, 1.001 * exact.Rmse(usual) + float.Epsilon);
            }
            catch (InvalidOperationException exception)
            {
                Assert.Matches("slot 1 of column 'Features'|[Tt]he label|LearningRate", exception.Message);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void CheckEstimatorsNanInf_NotFinite_IsSkippedAndCountedAndLeavesTheModelOfTheOthers(float value)
    {
        Examples rows = Some.Linear(1, 100, 3, weighted: true);
        (rows.Features[3][0], rows.Features[50][2], rows.Labels[7], rows.Weights![99]) = (value, value, value, value);
        int[] kept = [.. Enumerable.Range(0, rows.Count).Except([3, 50, 7, 99])];

        RmsPropRegressionTransformer model = rows.Fit(Weighted);

        Assert.Equal((2, 1, 1), (model.Training.RowsSkippedForFeatures, model.Training.RowsSkippedForLabel, model.Training.RowsSkippedForWeight));
        Assert.Equal(rows.Take(kept).Fit(Weighted).Parameters(), model.Parameters());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CheckReadonlyMemmapInput_FitAndTransform_LeaveTheCallersArraysAsTheyWere(bool sparse)
    {
        Examples rows = Some.MostlyZero(1, 80, 2, 10, 2);
        Example[] given = [.. rows.Features.Select((features, row) => new Example
        {
            Features = sparse ? Examples.Sparse(features) : new VBuffer<float>(features.Length, features),
            Label = rows.Labels[row],
            Weight = 2,
        })];
        string[] before = [.. given.Select(Text)];
        IDataView view = Examples.View(_ml, given, rows.Width);

        RmsPropRegressionTransformer model = _ml.Regression.Trainers.RmsProp(Weighted).Fit(view, view);
        model.Scores(view);

        Assert.Equal(before, given.Select(Text));

        static string Text(Example row) =>
            string.Join(" ", row.Features.Items(all: false).Select(item => $"{item.Key}:{BitConverter.SingleToInt32Bits(item.Value)}")) +
            $" {BitConverter.SingleToInt32Bits(row.Label)} {row.Weight}";
    }

    [Fact]
    public void CheckEstimatorSparseArray_SparseRows_GiveTheModelOfTheDenseOnes()
    {
        Examples rows = Some.MostlyZero(1, 300, 3, 40, 3);
        RmsPropRegressionTransformer dense = rows.Fit(new() { Tolerance = Near });

        RmsPropRegressionTransformer sparse = _ml.Regression.Trainers.RmsProp(new Options { Tolerance = Near }).Fit(rows.View(_ml, _ => true));

        AssertNearTheOptimum(rows, dense);
        AssertNearTheOptimum(rows, sparse);
    }

    [Fact]
    public void CheckEstimatorSparseArray_ExplicitZerosAndNoValues_AreWhatTheyAreInDenseRows()
    {
        Examples rows = Some.MostlyZero(1, 60, 1, 3, 1);
        rows.Features[0] = [0, 0, 0, 0];
        int[] every = [0, 1, 2, 3];
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp();

        float[] actual = trainer.Fit(Examples.View(_ml, rows.Features.Select((features, row) => new Example
        {
            // Explicit zeros, and arrays longer than the count.
            Features = row % 2 == 0 ? Examples.Sparse(features) : new VBuffer<float>(4, 3, [.. features[..3], float.NaN], every),
            Label = rows.Labels[row],
        }), 4)).Parameters();

        var expected = new Examples([.. rows.Features.Select((features, row) => row % 2 == 0 ? features : [.. features[..3], 0])], rows.Labels);
        Models.AssertClose(trainer.Fit(expected.View(_ml)).Parameters(), actual, NearTheOptimum);
        AssertNearTheOptimum(expected, trainer.Fit(expected.View(_ml)));
    }

    [Fact]
    public void CheckEstimatorSparseArray_IndicesInAnotherOrder_AreAnErrorAndNeverAnotherModel()
    {
        Examples rows = Some.MostlyZero(1, 40, 2, 10, 3);
        var random = new Random(1);

        for (int round = 0; round < 50; round++)
        {
            int disordered = random.Next(rows.Count);
            IDataView view = Examples.View(_ml, rows.Features.Select((features, row) => new Example
            {
                Features = row == disordered ? Disordered(Examples.Sparse(features)) : Examples.Sparse(features),
                Label = rows.Labels[row],
            }), rows.Width);
            var exception = Assert.Throws<InvalidOperationException>(() => _ml.Regression.Trainers.RmsProp().Fit(view));
            Assert.StartsWith(FormattableString.Invariant($"Row {disordered} (counted from 0) has the index"), exception.Message,
                StringComparison.Ordinal);
        }

        VBuffer<float> Disordered(VBuffer<float> sorted)
        {
            (int Index, float Value)[] items = [.. sorted.Items().Select(item => (item.Key, item.Value))];
            while (items.Zip(items.Skip(1)).All(pair => pair.First.Index < pair.Second.Index))
                random.Shuffle(items);
            return new VBuffer<float>(sorted.Length, items.Length, [.. items.Select(item => item.Value)], [.. items.Select(item => item.Index)]);
        }
    }

    [Fact]
    public void CheckMethodsSubsetInvariance_RowsInParts_HaveTheScoresTheyHaveTogether()
    {
        Examples rows = Some.MostlyZero(1, 100, 3, 70, 4);
        RmsPropRegressionTransformer model = rows.Fit(new() { NumberOfEpochs = 5 });
        float[] together = model.Scores(rows.View(_ml));

        foreach (int size in new[] { 1, 7, 64 })
            Assert.Equal(together, Enumerable.Range(0, rows.Count).Chunk(size).SelectMany(part => model.Scores(rows.Take(part).View(_ml))));
    }

    [Fact]
    public void CheckMethodsSampleOrderInvariance_RowsInAnotherOrder_HaveTheScoresTheyHad()
    {
        Examples rows = Some.Linear(1, 100, 5);
        RmsPropRegressionTransformer model = rows.Fit();
        int[] order = [.. Enumerable.Range(0, rows.Count).Reverse()];

        Assert.Equal(model.Scores(rows.View(_ml)).Reverse(), model.Scores(rows.Take(order).View(_ml)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CheckSampleWeightEquivalence_WholeWeightsAndRepeatedRows_AreTheSameOptimum(bool sparse)
    {
        Examples all = sparse ? Some.MostlyZero(3, 120, 2, 8, 2) : Some.Linear(3, 120, 5);
        var random = new Random(1);
        int[] times = [.. Enumerable.Range(0, all.Count).Select(_ => random.Next(5))];
        Examples weighted = new(all.Features, all.Labels, [.. times.Select(count => (float)count)]);
        Examples repeated = all.Take(Enumerable.Range(0, all.Count).SelectMany(row => Enumerable.Repeat(row, times[row])));

        RmsPropRegressionTransformer ofWeights = Trainer(nameof(Example.Weight)).Fit(weighted.View(_ml, _ => sparse));
        RmsPropRegressionTransformer ofRepetition = Trainer(null).Fit(repeated.View(_ml, _ => sparse));

        Assert.Equal(times.Count(count => count == 0), ofWeights.Training.RowsSkippedForWeight);        // a row of weight 0 is skipped
        AssertNearTheOptimum(repeated, ofWeights);
        AssertNearTheOptimum(repeated, ofRepetition);

        RmsPropRegressionTrainer Trainer(string? weights) =>
            _ml.Regression.Trainers.RmsProp(new Options { ExampleWeightColumnName = weights, Tolerance = Near });
    }

    [Fact]
    public void CheckSampleWeightEquivalence_RowsOfWeightZero_AreAsIfLeftOutToTheBit()
    {
        Examples all = Some.Linear(3, 120, 5);
        Examples weighted = new(all.Features, all.Labels, [.. Enumerable.Range(0, all.Count).Select(row => row % 3 == 0 ? 0f : 1)]);

        Assert.Equal(all.Take(Enumerable.Range(0, all.Count).Where(row => row % 3 != 0)).Fit().Parameters(), weighted.Fit(Weighted).Parameters());
    }

    [Fact]
    public void CheckSampleWeightsInvariance_AllOnes_AreNoWeightsAtAll()
    {
        Examples rows = Some.Linear(3, 120, 5);

        Models.AssertClose(rows.Fit().Parameters(), rows.Fit(Weighted).Parameters(), 1e-6);        // packed rows have another length
    }

    [Fact]
    public void CheckNFeaturesInAfterFitting_RowsOfAnotherWidth_AreRefusedByScoringAndByContinuing()
    {
        RmsPropRegressionTransformer model = Some.Linear(1, 50, 4).Fit(new() { NumberOfEpochs = 1 });
        IDataView narrower = Some.Linear(1, 50, 3).View(_ml);

        var scoring = Assert.Throws<InvalidOperationException>(() => model.Transform(narrower));
        Assert.Contains("Vector<Single, 4>", scoring.GetBaseException().Message, StringComparison.Ordinal);
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(numberOfEpochs: 1);
        var exception = Assert.Throws<ArgumentException>(() => trainer.Fit(narrower, model));        // check_estimators_partial_fit_n_features
        Assert.Contains("4 weights, but feature column 'Features' has 3 features", exception.Message, StringComparison.Ordinal);
    }

    private static void AssertNearTheOptimum(Examples rows, ITransformer model)
    {
        var exact = new LeastSquares(rows);
        float[] scores = model.Scores(rows.View(new MLContext(1)));
        double deviation = LeastSquares.Moments(rows.Labels.Select(label => (double)label), [.. rows.Labels.Select(_ => 1.0)]).StandardDeviation;
        for (int row = 0; row < rows.Count; row++)
            Assert.Equal(exact.Predict(rows.Features[row]), scores[row], NearTheOptimum * deviation);
    }
}
