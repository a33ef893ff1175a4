using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Settings;

/// <summary>What the trainer settles by itself if the options leave it open, seen from outside.</summary>
public sealed class DecisionsInTrainingTests
{
    [Theory]
    [InlineData(60, 40, 1.0 / 3)]        // a third of the way from half as many columns as rows to as many
    [InlineData(50, 50, 1)]
    [InlineData(20, 50, 1)]
    public void Fit_MoreColumnsThanHalfTheRows_HasTheWeightsOfUpToAQuarterOfTheRowNormOverTheRows(int count, int columns, double share)
    {
        Examples rows = Some.Linear(1, count, columns);

        float[] automatic = rows.Fit().Parameters();

        // Each column has variance 1 in the units of training.
        Models.AssertClose(rows.Fit(new() { L2Regularization = (float)(share * 0.25 * columns / count) }).Parameters(), automatic, 1e-4);
        Assert.NotEqual(rows.Fit(new() { L2Regularization = 0 }).Parameters(), automatic);
    }

    [Theory]
    [InlineData(80, 40, 0, true)]
    [InlineData(60, 40, 10, true)]        // with ten of the columns constant
    [InlineData(60, 40, 9, false)]
    public void Fit_L2RegularizationNotGiven_IsNoneUnlessTheColumnsThatVaryOutnumberHalfTheRows(int count, int columns, int constant, bool none)
    {
        Examples rows = Some.Linear(1, count, columns);
        foreach (float[] row in rows.Features)
            Array.Fill(row, 3, 0, constant);

        Assert.Equal(none, rows.Fit(new() { L2Regularization = 0 }).Parameters().SequenceEqual(rows.Fit().Parameters()));
    }

    [Fact]
    public void Fit_WideWithL1OrNotStandardized_HasNoAutomaticPenalty()
    {
        Examples rows = Some.Linear(1, 40, 30);
        foreach (Func<Options> options in new Func<Options>[]
            { () => new() { L1Regularization = 0.01f }, () => new() { Standardize = false, NumberOfEpochs = 50 } })
        {
            Options none = options();
            none.L2Regularization = 0;

            Assert.Equal(rows.Fit(none).Parameters(), rows.Fit(options()).Parameters());
        }
    }

    [Theory]
    [InlineData(3, 0, false, 0.774596669)]        // shorter rows take larger steps
    [InlineData(5, 0, true, 1)]
    [InlineData(20, 0, false, 2)]
    [InlineData(20, 0, true, 2)]
    [InlineData(10, 10, false, 2)]        // every column twice: rows are as long as those of 20 columns
    [InlineData(10, 10, true, 1.41421356)]        // and have ten directions
    public void Fit_LongRows_DivideTheLearningRateByTheRootOfTheirNormOverFive(int columns, int copies, bool decorrelate, double divisor)
    {
        Examples rows = Some.Linear(1, 500, columns);
        rows = new Examples([.. rows.Features.Select(row => row.Concat(row[..copies]).ToArray())], rows.Labels);

        TrainingReport report = rows.Fit(new()
        {
            Decorrelate = decorrelate,
            NumberOfEpochs = 1,
            LearningRateSchedule = LearningRateSchedule.Constant,
        }).Training;

        Assert.Equal(0.03 / divisor, report.Epochs[0].LearningRate, 1e-6);
    }

    [Fact]
    public void Fit_NotStandardized_TakesTheLearningRateAsItIs() =>
        Assert.Equal(0.03f, Some.Linear(1, 500, 50)
            .Fit(new() { Standardize = false, NumberOfEpochs = 1, LearningRateSchedule = LearningRateSchedule.Constant })
            .Training.Epochs[0].LearningRate);

    [Fact]
    public void Fit_DecorrelateNotGiven_IsOnUnlessAnOptionNeedsTheColumnsThemselves()
    {
        Examples rows = Some.Linear(1, 300, 6);
        float[] With(bool? decorrelate, Action<Options>? change = null)
        {
            var options = new Options { Decorrelate = decorrelate, NumberOfEpochs = 3 };
            change?.Invoke(options);
            return rows.Fit(options).Parameters();
        }

        Assert.Equal(With(true), With(null));
        Assert.NotEqual(With(true), With(false));
        foreach (Action<Options> change in new Action<Options>[]
            { o => o.L1Regularization = 0.01f, o => o.NonNegativeWeights = true, o => o.Standardize = false })
            Assert.Equal(With(false, change), With(null, change));
    }

    [Theory]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void Fit_DecorrelateNotGiven_IsOnUpTo512DenseColumns(int columns, bool expected)
    {
        Examples rows = Some.Linear(1, 1100, columns);
        float[] With(bool? decorrelate) => rows.Fit(new() { Decorrelate = decorrelate, NumberOfEpochs = 1 }).Parameters();

        Assert.Equal(With(expected), With(null));
        Assert.NotEqual(With(!expected), With(null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_WideRowsTwice_IsOneTrainingOfTwoEpochs(bool decorrelate)
    {
        Examples rows = Some.Linear(1, 40, 30);
        Options Epochs(int count) => new()
        {
            Decorrelate = decorrelate,
            NumberOfEpochs = count,
            BatchSize = 8,
            LearningRateSchedule = LearningRateSchedule.Constant,
        };

        RmsPropRegressionTransformer second = Continued(rows, rows, Epochs(1));

        RmsPropRegressionTransformer whole = rows.Fit(Epochs(2));
        Assert.Equal(whole.Parameters(), second.Parameters());
        Assert.Equal((whole.Training.L2Regularization, whole.Training.LearningRate),
            (second.Training.L2Regularization, second.Training.LearningRate));
        Assert.NotEqual(0, second.Training.L2Regularization);
    }

    [Theory]
    [InlineData(500, 30, 0)]        // few rows must not shrink what many have taught
    [InlineData(30, 500, 0)]
    [InlineData(20, 18, 0.25 * 20 / 20)]
    public void Fit_ContinuedOnOtherRows_HasAtMostThePenaltyOfBefore(int before, int now, double expected)
    {
        Examples first = Some.Linear(1, before, 20);

        TrainingReport report = Continued(first, Some.Linear(1, now, 20), new() { Decorrelate = false, NumberOfEpochs = 2 }).Training;

        Assert.Equal(expected, report.L2Regularization, 1e-6);
    }

    [Fact]
    public void Fit_ContinuedOnLongerRows_TakesSmallerSteps()
    {
        Examples first = Some.Linear(1, 500, 20);
        var longer = new Examples([.. first.Features.Select(row => row.Select(x => 3 * x).ToArray())], first.Labels);
        var options = new Options { Decorrelate = false, NumberOfEpochs = 2 };

        // The units are those of the first rows; the shift of the means adds a little to the length.
        Assert.InRange(Continued(first, longer, options).Training.LearningRate / first.Fit(options).Training.LearningRate, 0.32, 1.0 / 3);
    }

    private static RmsPropRegressionTransformer Continued(Examples first, Examples second, Options options)
    {
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(options);
        return trainer.Fit(second.View(ml), trainer.Fit(first.View(ml)));
    }

    [Fact]
    public void Fit_TooManyColumnsToWhitenWithCommonFactors_EndsNearLeastSquares()
    {
        Examples rows = Some.WithFactors(1, 2000, 600, [0.6, 0.2]);
        double least = new LeastSquares(rows).Rmse(rows);

        RmsPropRegressionTransformer automatic = rows.Fit();
        RmsPropRegressionTransformer plain = rows.Fit(new() { Decorrelate = false, NumberOfEpochs = 250 });

        Assert.Equal((600, 0), (automatic.Training.DecorrelatedFeatures, plain.Training.DecorrelatedFeatures));
        Assert.InRange(automatic.Rmse(rows) / least - 1, 0, 0.001);
        Assert.InRange(plain.Rmse(rows) / least - 1, 0.05, 100);
    }

    [Fact]
    public void Fit_MoreSparseColumnsThanHalfTheRows_HasAQuarterOfTheirRowNormOverTheRowsWhole()
    {
        // Two of a hundred columns in each row, of one size: row norm 2.
        Examples rows = new([.. Enumerable.Range(0, 150)
            .Select(row => Enumerable.Range(0, 100).Select(i => i == row % 100 || i == (row + 7) % 100 ? 1f : 0).ToArray())],
            Some.Normals(1, 150));

        TrainingReport report = rows.Fit(new() { NumberOfEpochs = 1 }).Training;

        Assert.Equal(100, report.SparseFeatures);
        Assert.Equal(0.25 * 2 / 150, report.L2Regularization, 1e-7);
    }

    [Fact]
    public void Fit_TooManyColumnsToWhitenAndOptionsThatKeepThem_StaysInTheirOwnCoordinates()
    {
        Examples rows = Some.WithFactors(1, 1300, 600, [0.6]);
        foreach (Options options in new Options[]
            { new() { NumberOfEpochs = 1 }, new() { L1Regularization = 0.01f, Tolerance = 1 }, new() { Decorrelate = false, Tolerance = 1 } })
            Assert.Equal(0, rows.Fit(options).Training.DecorrelatedFeatures);
    }

    [Fact]
    public void Fit_OneHotColumnsThatNearlyAddUpToOne_EndsNearLeastSquares()
    {
        Examples rows = Some.Levels(1, 6000, 3, 40, noise: 0.1);
        double least = new LeastSquares(rows).Rmse(rows);

        RmsPropRegressionTransformer model = rows.Fit();

        Assert.Equal(119, model.Training.DecorrelatedFeatures);
        Assert.InRange(model.Training.SparseFeatures, 64, 119);
        Assert.InRange(model.Rmse(rows) / least - 1, -1e-6, 0.001);
    }

    /// <summary>With few rows that decide a column it takes more than one visit, unless they are in every batch.</summary>
    [Theory]
    [InlineData(1100)]
    [InlineData(900)]
    [InlineData(5)]
    public void Fit_ManyRowsForEachColumnButFewWithAValue_EndsNearLeastSquares(int withValue)
    {
        Examples rows = Some.Linear(1, 50_000, 2);
        for (int row = 0; row < rows.Count; row++)
            rows.Features[row][0] = row % (rows.Count / withValue) == 0 && row / (rows.Count / withValue) < withValue ? 1 : 2;

        RmsPropRegressionTransformer model = rows.Fit(new() { BatchSize = 25 });

        Assert.InRange(model.Rmse(rows) / new LeastSquares(rows).Rmse(rows) - 1, -1e-6, 1e-5);
    }

    [Theory]
    [InlineData(null, true, 1)]
    [InlineData(false, true, 2)]
    [InlineData(null, false, 2)]
    public void Fit_ManyRowsForEachColumn_BeginsWithARoundOfOneVisitOrTwo(bool? decorrelate, bool defaultSchedule, int epochs)
    {
        var options = new Options { Decorrelate = decorrelate, BatchSize = 25 };
        if (!defaultSchedule)
            options.LearningRateSchedule = LearningRateSchedule.CosineToZero;

        TrainingReport report = Some.Linear(1, 50_000, 2).Fit(options).Training;

        Assert.Equal(31 * epochs, report.Epochs[0].NumberOfEpochs);        // five rounds, each twice as long as the one before
        Assert.InRange(report.Epochs.Count, epochs, 31 * epochs);
        Assert.Equal(report.Diagnostics.NumberOfRounds == 1, report.Epochs.Count == epochs);
    }
}
