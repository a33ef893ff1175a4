using MlNetRms.Settings;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Settings;

/// <summary>What the trainer settles by itself, as functions of a few numbers.</summary>
public sealed class DecisionsTests
{
    [Theory]
    [InlineData(1, 128, null, 1, 1, 2000)]
    [InlineData(1500, 10, 2, 10, 150, 2)]
    [InlineData(1000, 128, null, 128, 8, 250)]
    [InlineData(256_000, 256, null, 256, 1000, 2)]
    [InlineData(256_001, 256, null, 256, 1001, 2)]
    [InlineData(255_744, 256, null, 256, 999, 3)]
    [InlineData(1_280_000, 128, null, 128, 10_000, 2)]        // every row twice, however many steps that takes
    [InlineData(1_280_000, 128, 1, 128, 10_000, 1)]
    [InlineData(3_000_000_000, 128, 1000, 128, 23_437_500, 1000)]
    [InlineData(3_000_000_000, 2_000_000_000, 3, 2_000_000_000, 2, 3)]
    [InlineData(5, int.MaxValue, 1, 5, 1, 1)]
    [InlineData(2_147_483_647, 1, null, 1, 2_147_483_647, 2)]
    public void Plan_RowsAndOptions_DecidesBatchesAndEpochs(
        long rows, int batchSize, int? epochs, int expectedBatch, int expectedSteps, int expectedEpochs)
    {
        TrainingPlan plan = Plan(rows, new() { BatchSize = batchSize, NumberOfEpochs = epochs });

        Assert.Equal((expectedBatch, expectedSteps, expectedEpochs), (plan.BatchSize, plan.StepsPerEpoch, plan.NumberOfEpochs));
        Assert.Equal((long)expectedSteps * expectedEpochs, plan.TotalSteps);
    }

    [Fact]
    public void TotalSteps_MoreThanAnInt_DoNotWrap() =>
        Assert.Equal(3_000_000_000L * 1000 / 100, Plan(3_000_000_000, new() { BatchSize = 100, NumberOfEpochs = 1000 }).TotalSteps);

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.5f, 0, 15)]
    [InlineData(0.5f, 7, 19)]        // 18.5 of 37, rounded up
    [InlineData(1, 0, 30)]
    [InlineData(1, 30, 60)]
    [InlineData(1e-9f, 0, 1)]
    public void Plan_AveragedFraction_IsAShareOfAllStepsTheOnesBeforeIncluded(float fraction, long stepsBefore, long expected) =>
        Assert.Equal(expected, Plan(100, new() { BatchSize = 10, NumberOfEpochs = 3, AveragedFraction = fraction }, stepsBefore).AveragedSteps);

    private static TrainingPlan Plan(long rows, Options options, long stepsBefore = 0, bool mayVisitOnce = false) =>
        Decisions.Plan(rows, options.ToSettings().Plan, fewestSteps: 2000, fewestEpochs: mayVisitOnce ? 1 : 2, stepsBefore);

    [Theory]
    [InlineData(1_000_000, null, 2, 1.0)]        // few epochs: whole ones
    [InlineData(100_000, null, 6, 2.0)]
    [InlineData(20_000, null, 26, 5.2)]        // many: the share itself
    [InlineData(1_000_000, 2, 2, 0.4)]        // a number that was asked for: the share itself
    public void Plan_AFifthAveraged_CoversWholeEpochsIfThereAreFew(long rows, int? epochs, int expectedEpochs, double averagedEpochs)
    {
        TrainingPlan plan = Plan(rows, new() { NumberOfEpochs = epochs });

        Assert.Equal(expectedEpochs, plan.NumberOfEpochs);
        Assert.Equal(averagedEpochs, (double)plan.AveragedSteps / plan.StepsPerEpoch, 0.02);
    }

    [Theory]
    [InlineData(1000, null, 0.2f, 25, 100)]        // four steps per epoch
    [InlineData(15_000, null, 0.2f, 2, 118)]
    [InlineData(1_000_000, null, 0.2f, 1, 3907)]
    [InlineData(1_000_000, 2, 0.2f, 1, 1563)]        // no more than the planned average has
    [InlineData(1000, null, 0, 25, 0)]
    public void EpochsPerPeriod_AnyRows_MakeAHundredStepsOrOneEpoch(long rows, int? epochs, float averaged, int expectedEpochs, long expectedSteps)
    {
        TrainingPlan plan = Plan(rows, new() { NumberOfEpochs = epochs, AveragedFraction = averaged });

        Assert.Equal(expectedEpochs, plan.EpochsPerPeriod);
        Assert.Equal(expectedSteps, plan.RunningSteps);
        Assert.Equal(7L * expectedEpochs, plan.PatienceInEpochs(new StoppingSettings(Patience: 7, MinimumImprovement: 0)));
    }

    [Theory]
    [InlineData(0.2f, 1, 0.8)]
    [InlineData(0.5f, 1, 0.8)]
    [InlineData(0.9f, 1, 0.9)]
    [InlineData(0.01f, 1, 0.8)]
    [InlineData(1, 1, 1)]
    public void Plan_RowsThatMayBeVisitedOnce_AveragesAtLeastFourFifthsOfThem(float fraction, int expectedEpochs, double averagedEpochs)
    {
        TrainingPlan plan = Plan(1_000_000, new() { AveragedFraction = fraction }, mayVisitOnce: true);

        Assert.Equal(expectedEpochs, plan.NumberOfEpochs);
        Assert.Equal(averagedEpochs, (double)plan.AveragedSteps / plan.StepsPerEpoch, 0.001);
        Assert.Equal(3, Plan(200_000, new(), mayVisitOnce: true).NumberOfEpochs);        // for the steps
        Assert.Equal(2, Plan(1_000_000, new() { NumberOfEpochs = 2 }, mayVisitOnce: true).NumberOfEpochs);
    }

    [Fact]
    public void Fit_AutomaticEpochs_HoldsTheRateWhileItAverages()
    {
        TrainingReport report = Some.Linear(1, 100_000, 2).Fit(new() { Decorrelate = false }).Training;

        float[] rates = [.. report.Epochs.Take(6).Select(epoch => epoch.LearningRate)];        // the first round
        Assert.Equal(31 * 6, report.Epochs[0].NumberOfEpochs);
        Assert.Equal(0.03f * report.LearningRate, rates[^1], 1e-6f);
        Assert.Equal(rates[^1], rates[^2]);
        Assert.True(rates[^3] >= rates[^2]);
        Assert.True(rates[^4] > 2 * rates[^2]);
    }

    // ---- Decisions of a few numbers, at both sides of each constant

    [Theory]
    [InlineData(0, true)]
    [InlineData(9.999, true)]
    [InlineData(10, false)]
    [InlineData(100, false)]
    public void IsSparse_ShareOfAHundred_TurnsAtATenth(double nonZeroWeight, bool expected) =>
        Assert.Equal(expected, Decisions.IsSparse(nonZeroWeight, totalWeight: 100));

    [Theory]
    [InlineData(30, 15, 0)]
    [InlineData(30, 16, 1 / 15.0)]
    [InlineData(31, 16, 1 / 31.0)]
    [InlineData(30, 30, 1)]
    [InlineData(30, 90, 1)]
    [InlineData(3_000_000_000, 1_800_000_000, 0.2)]
    public void Wideness_ColumnsThatVary_GrowsFromHalfTheRowsToAsMany(long rows, int varyingColumns, double expected) =>
        Assert.Equal(expected, Decisions.Wideness(varyingColumns, rows), 1e-12);

    [Theory]
    [InlineData(0, true, false)]
    [InlineData(0.001, true, true)]
    [InlineData(1, false, false)]
    public void ScalesByRoot_WidenessAndSparseColumns_NeedsBoth(double wideness, bool hasSparse, bool expected) =>
        Assert.Equal(expected, Decisions.ScalesByRoot(wideness, hasSparse));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(9, 3)]
    [InlineData(16, 4)]
    [InlineData(17, 4)]
    [InlineData(1 / 9.0, 1 / 3.0)]
    [InlineData(1 / 16.0, 0.25)]
    [InlineData(1 / 17.0, 0.25)]
    public void RootFactor_AnySize_IsItsRootWithinAFactorOfFour(double relativeSize, double expected) =>
        Assert.Equal(expected, Decisions.RootFactor(relativeSize * 7, usualSize: 7), 1e-12);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 8)]
    [InlineData(2, 16)]
    [InlineData(1e9, 64)]
    public void ShrunkSize_MoreValues_GoesFromTheUsualSizeToItsOwn(double values, double expected) =>
        Assert.Equal(7 * expected, Decisions.ShrunkSize(7 * 64, usualSize: 7, values), 1e-5);

    [Theory]
    [InlineData(0, false)]
    [InlineData(63, false)]
    [InlineData(64, true)]
    public void PacksSparse_Columns_TurnsAt64(int columns, bool expected) => Assert.Equal(expected, Decisions.PacksSparse(columns));

    [Theory]
    [InlineData(0, null, 0)]
    [InlineData(0.5, null, 0.0175)]        // a quarter of 0.5 · 6 + 4, over 100 rows
    [InlineData(1, null, 0.025)]
    [InlineData(0.5, 0.02f, 0.0175)]
    [InlineData(0.5, 0.01f, 0.01)]        // of the training before
    public void L2_WideRows_IsAQuarterOfTheRowNormOverTheRows(double wideness, float? before, double expected)
    {
        float Decide(Options options) => Decisions.L2(options.ToSettings().Penalties, options.Standardize, wideness, rowNorm: 10, sparseRowNorm: 4,
            rowCount: 100, before);

        Assert.Equal(expected, Decide(new()), 1e-7);
        Assert.Equal(0, Decide(new() { L1Regularization = 0.1f }));
        Assert.Equal(0, Decide(new() { Standardize = false }));
        Assert.Equal(3, Decide(new() { L2Regularization = 3 }));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void WhitensDense_DenseColumns_IsFrom2To512(int columns, bool expected)
    {
        bool Decide(Options options) => Decisions.WhitensDense(options.ToSettings(), columns);

        Assert.Equal(expected, Decide(new()));
        Assert.Equal(expected, Decisions.WhitensAll(new Options().ToSettings(), columns, sparseColumns: 0));
        Assert.Equal(columns > 0, Decide(new() { Decorrelate = true }));
        Assert.All(InOwnCoordinates, options => Assert.False(Decide(options)));
    }

    [Theory]
    [InlineData(0, 320, true)]
    [InlineData(0, 321, false)]
    [InlineData(1, 64, true)]
    [InlineData(256, 64, true)]
    [InlineData(257, 64, false)]
    public void WhitensAll_SparseColumnsBeside_IsUpTo320(int dense, int sparse, bool expected)
    {
        bool Decide(Options options) => Decisions.WhitensAll(options.ToSettings(), dense, sparse);

        Assert.Equal(expected, Decide(new()));
        Assert.All(InOwnCoordinates, options => Assert.False(Decide(options)));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(2000, true)]
    [InlineData(2001, false)]
    public void MeasuresInAll_Columns_IsFrom2To2000(int columns, bool expected)
    {
        bool Decide(Options options) => Decisions.MeasuresInAll(options.ToSettings(), columns);

        Assert.Equal((expected, expected), (Decide(new()), Decide(new() { Decorrelate = false })));
        Assert.All(InOwnCoordinates.Where(options => options.Decorrelate is null), options => Assert.False(Decide(options)));
    }

    private static Options[] InOwnCoordinates =>
        [new() { Decorrelate = false }, new() { Standardize = false }, new() { L1Regularization = 1 }, new() { NonNegativeWeights = true }];

    [Theory]
    [InlineData(400_000, 10, 400_000)]        // 4 million values
    [InlineData(400_001, 10, 100_000)]        // a million of them
    [InlineData(1_000_000, 353, 2833)]
    [InlineData(1_000_000, 354, 2832)]        // eight rows per column
    [InlineData(8000, 1000, 8000)]
    public void CovarianceRows_RowsAndColumns_IsAllOrASample(long rows, int columns, long expected) =>
        Assert.Equal(expected, Decisions.CovarianceRows(rows, columns));

    [Theory]
    [InlineData(40_000_000, 10, 0, true)]        // 4 milliard products
    [InlineData(40_000_001, 10, 0, false)]
    [InlineData(40_000_000, 6, 4, true)]        // dense values and sparse ones alike
    [InlineData(40_000_000, 6, 4.0001, false)]
    [InlineData(3_000_000_000, 1, 0, true)]
    public void MultipliesAllRows_RowsAndValues_TurnsAtFourMilliardProducts(long rows, int dense, double nonZeros, bool expected) =>
        Assert.Equal(expected, Decisions.MultipliesAllRows(rows, dense, nonZeros));

    [Theory]
    [InlineData(1, 4)]
    [InlineData(2000, 8000)]
    public void SketchRows_Columns_AreFourTimesAsMany(int columns, int expected) => Assert.Equal(expected, Decisions.SketchRows(columns));

    [Theory]
    [InlineData(20, 0.015)]
    [InlineData(5, 0.03)]
    [InlineData(1.25, 0.06)]
    [InlineData(1, 0.067082039)]        // a fifth of 5
    [InlineData(0.01, 0.067082039)]
    public void LearningRate_RowNorm_DividesByTheRootOfIts5ths(double rowNorm, double expected)
    {
        Assert.Equal(expected, Decisions.LearningRate(0.03f, standardized: true, rowNorm), 1e-8);
        Assert.Equal(0.03f, Decisions.LearningRate(0.03f, standardized: false, rowNorm));
    }

    [Theory]
    [InlineData(0, 0.8)]        // the default schedule as it is
    [InlineData(1, 0.99)]
    [InlineData(30, 0.7)]
    [InlineData(99, 0.01)]
    [InlineData(100, 0.8)]
    public void Schedule_AutomaticEpochs_IsConstantOverTheAveragedSteps(long averagedSteps, double decayFraction)
    {
        var plan = new TrainingPlan(BatchSize: 1, StepsPerEpoch: 10, NumberOfEpochs: 10, averagedSteps);
        LearningRateSchedule expected = LearningRateSchedule.CosineThenConstant(decayFraction: decayFraction);

        LearningRateSchedule actual = Decisions.Schedule(LearningRateSchedule.Default, epochs: null, plan);

        Assert.All(Enumerable.Range(0, 100), step => Assert.Equal(expected.Factor(step, 100), actual.Factor(step, 100), 1e-12));
        Assert.Same(LearningRateSchedule.Default, Decisions.Schedule(LearningRateSchedule.Default, epochs: 10, plan));
        Assert.Same(LearningRateSchedule.Constant, Decisions.Schedule(LearningRateSchedule.Constant, epochs: null, plan));
    }

    [Fact]
    public void AddsRounds_NumberOfEpochsOrEarlyStopping_IsFalse()
    {
        Assert.True(Decisions.AddsRounds(new Options().ToSettings()));
        Assert.True(Decisions.AddsRounds(new Options { ValidationFraction = 0.1f }.ToSettings()));
        Assert.False(Decisions.AddsRounds(new Options { NumberOfEpochs = 1 }.ToSettings()));
        Assert.False(Decisions.AddsRounds(new Options { EarlyStopping = new(), ValidationFraction = 0.1f }.ToSettings()));
    }

    [Fact]
    public void BeginsShort_WhatNeedsTheUsualSteps_IsFalse()
    {
        bool Decide(Options options, bool isWhitened = true) => Decisions.BeginsShort(options.ToSettings(), isWhitened);

        Assert.True(Decide(new()));
        Assert.True(Decide(new() { AveragedFraction = 0.01f, LossFunction = new Microsoft.ML.Trainers.SquaredLoss() }));
        Assert.False(Decide(new(), isWhitened: false));
        Assert.False(Decide(new() { NumberOfEpochs = 1 }));
        Assert.False(Decide(new() { EarlyStopping = new(), ValidationFraction = 0.1f }));
        Assert.False(Decide(new() { LossFunction = new HuberLoss(1) }));
        Assert.False(Decide(new() { GradientClippingNorm = 1 }));
        Assert.False(Decide(new() { LearningRateSchedule = LearningRateSchedule.Constant }));
        Assert.False(Decide(new() { AveragedFraction = 0 }));
        Assert.False(Decide(new() { AveragedFraction = 1 }));
    }

    [Theory]
    [InlineData(true, 0.03f, 0, 250)]
    [InlineData(true, 0.016f, 0, 250)]        // four over the rate
    [InlineData(true, 0.01f, 0, 400)]
    [InlineData(true, 0.01f, 3, 3200)]
    [InlineData(true, 0.0025f, 0, 1600)]
    [InlineData(true, 0.001f, 0, 2000)]
    [InlineData(true, 0.001f, 4, 32_000)]
    [InlineData(false, 0.03f, 0, 2000)]
    [InlineData(false, 0.03f, 2, 8000)]
    public void StepsOfRound_RateAndNumber_DoubleFromRoundToRound(bool isShort, float rate, int number, int expected) =>
        Assert.Equal(expected, Decisions.StepsOfRound(isShort, rate, number));

    [Theory]
    [InlineData(0, 0, 100, 0, 0.03)]        // at the optimum
    [InlineData(0.3, 0, 100, 0, 0.03)]
    [InlineData(1, 0, 100, 0, 0.075)]        // 7.5 ways
    [InlineData(0, 1, 100, 0, 0.12)]        // 12 times as long as the noise takes
    [InlineData(1, 1, 100, 0, 0.195)]
    [InlineData(1, 1, 100, 1, 0.195 / 4)]        // a quarter after each failure
    [InlineData(1, 1, 100, 2, 0.195 / 16)]
    [InlineData(20, 0, 100, 0, 1)]
    [InlineData(20, 0, 100, 1, 0.25)]
    public void RateOfRound_DistanceNoiseAndReach_IsAsMuchAsTheyNeed(double distance, double noise, double reach, int failures, double expected)
    {
        Assert.Equal(expected, Decisions.RateOfRound(distance, noise, reach, failures), 1e-6);
        Assert.Equal(Math.Pow(0.25, failures), Decisions.RateOfRound(failures), 1e-7);
    }

    [Theory]
    [InlineData(null, 10, 1000, true, 2e-5)]
    [InlineData(null, 10, 2500, true, 2e-5)]
    [InlineData(null, 10, 5000, true, 1e-5)]        // 0.005 columns per row
    [InlineData(null, 10, 25_000, true, 2e-6)]
    [InlineData(null, 10, 3_000_000_000, true, 2e-6)]
    [InlineData(null, 10, 1000, false, 5e-4)]
    [InlineData(null, 1000, 1000, false, 5e-4)]
    [InlineData(0.1f, 10, 5000, true, 0.1)]
    [InlineData(1e-12f, 10, 5000, false, 1e-12)]
    public void Tolerance_ColumnsAndRows_IsTheirRatioWithinBounds(float? option, int columns, long rows, bool isWhitened, double expected) =>
        Assert.Equal(expected, Decisions.Tolerance(option, columns, rows, isWhitened), 1e-6 * expected);

    [Theory]
    [InlineData(0.01, 0, 100, 2499, false)]
    [InlineData(0.0101, 0, 100, 2499, true)]        // directions have been missed
    [InlineData(0.001, 1, 100, 2499, true)]        // a second round did not help
    [InlineData(0.001, 0, 100, 2500, true)]        // a step costs hardly more
    [InlineData(0.001, 0, 100_000, 2.5e9, true)]
    [InlineData(0.001, 0, 100_000, 2.4e9, false)]
    public void WhitensAllNow_GapRoundsAndCost_TurnsAtEachBound(double share, int number, int columns, double valuesPerBatch, bool expected) =>
        Assert.Equal(expected, Decisions.WhitensAllNow(share, number, columns, valuesPerBatch));

    [Theory]
    [InlineData(5e-4, true, null, false)]
    [InlineData(5.01e-4, true, null, true)]
    [InlineData(5e-5, false, null, false)]        // a bound that still rises may be a tenth of the gap
    [InlineData(5.01e-5, false, null, true)]
    [InlineData(0.2, true, 0.25f, false)]
    [InlineData(0.3, true, 0.25f, true)]
    [InlineData(0.024, false, 0.25f, false)]
    [InlineData(0.026, false, 0.25f, true)]
    [InlineData(1e-6, true, 1e-7f, true)]
    public void IsWorthWarning_Gap_TurnsAtTheToleranceOrATwentiethOfAPerCent(double share, bool isSettled, float? option, bool expected) =>
        Assert.Equal(expected, Decisions.IsWorthWarning(share, isSettled, option));

    [Theory]
    [InlineData(1.1, 1, true, true)]
    [InlineData(1.1, 1.001, true, false)]
    [InlineData(1, 2, true, false)]
    [InlineData(double.PositiveInfinity, 1, true, true)]
    [InlineData(2, 1, false, true)]
    [InlineData(2, 1.001, false, false)]
    [InlineData(double.PositiveInfinity, 1, false, true)]
    public void IsGain_GapBeforeAndNow_NeedsATenthOrAHalf(double before, double now, bool isWhitened, bool expected) =>
        Assert.Equal(expected, Decisions.IsGain(before, now, isWhitened));

    [Theory]
    [InlineData(45.2, 1, false)]        // squared, eight batches of 256 rows
    [InlineData(45.3, 1, true)]
    [InlineData(1, 2048, false)]
    [InlineData(1, 2049, true)]
    [InlineData(double.PositiveInfinity, 1, false)]        // unknown
    [InlineData(double.NaN, 1, false)]
    public void LooksForHighLeverage_LargestValueAndWeight_TurnsAtEightBatches(double value, double weight, bool expected)
    {
        bool Decide(Options options) => Decisions.LooksForHighLeverage(options.ToSettings(), value, weight);

        Assert.Equal(expected, Decide(new()));
        Assert.False(Decide(new() { BatchSize = 1 << 28 }));
        Assert.False(Decide(new() { NumberOfEpochs = 5 }));
        Assert.False(Decide(new() { EarlyStopping = new(), ValidationFraction = 0.1f }));
        Assert.False(Decide(new() { Standardize = false }));
        Assert.Equal(2048, Decisions.LeastHighLeverage(256));
    }

    [Theory]
    [InlineData((1 << 18) - 1, 4, 0, 1)]
    [InlineData(1 << 18, 4, 0, 16)]
    [InlineData(1 << 18, 4, 1, 1)]
    [InlineData(3_000_000_000, 4, 0, 16)]
    public void PiecesOfPass_Values_AreSixteenFromAMillionOn(long rows, int stride, int sparseColumns, int expected) =>
        Assert.Equal(expected, Decisions.PiecesOfPass(rows, stride, sparseColumns));

    [Theory]
    [InlineData(223, 9, 446)]        // whole epochs
    [InlineData(222, 10, 445)]        // the share itself
    public void Plan_AutomaticEpochs_AveragesWholeOnesBelowTen(long rows, int epochs, long averagedSteps)
    {
        TrainingPlan plan = Plan(rows, new() { BatchSize = 1 });

        Assert.Equal((epochs, averagedSteps), (plan.NumberOfEpochs, plan.AveragedSteps));
    }

    [Fact]
    public void UpdatesLazily_OptionThatActsOnOtherWeights_IsFalse()
    {
        bool Decide(Options options, int sparseColumns = 64, bool isDivided = false) =>
            Decisions.UpdatesLazily(options.ToSettings(), sparseColumns, isDivided);

        Assert.True(Decide(new()));
        Assert.True(Decide(new() { L2Regularization = 1 }));
        Assert.True(Decide(new() { Momentum = 0.9f, LearningRateSchedule = LearningRateSchedule.Constant }));
        Assert.False(Decide(new() { Momentum = 0.9f }));
        Assert.False(Decide(new() { L1Regularization = 1 }));
        Assert.False(Decide(new() { NonNegativeWeights = true }));
        Assert.False(Decide(new() { GradientClippingNorm = 1 }));
        Assert.False(Decide(new(), sparseColumns: 0));
        Assert.False(Decide(new(), isDivided: true));
    }

    [Theory]
    [InlineData(24_999, 1, 0, false, 24_999)]
    [InlineData(25_000, 1, 0, true, 391)]
    [InlineData(249, 100, 0, false, 249)]
    [InlineData(250, 100, 0, true, 32)]
    [InlineData(2048, 100, 0, true, 32)]
    [InlineData(2049, 100, 0, true, 33)]        // at most 64 blocks
    [InlineData(2049, 100, 1, false, 2049)]
    public void ThreadsPayAndRowsPerBlock_ValuesPerBatch_TurnAt25000(int rows, int stride, int sparseColumns, bool pay, int rowsPerBlock)
    {
        Assert.Equal(pay, Decisions.ThreadsPay(rows, stride, sparseColumns));
        Assert.Equal(rowsPerBlock, Decisions.RowsPerBlock(rows, stride, sparseColumns));
    }

    [Theory]
    [InlineData(3999.9, false)]
    [InlineData(4000, true)]
    public void SparseThreadsPay_NonZerosPerBatch_TurnsAt4000(double nonZeros, bool expected) =>
        Assert.Equal(expected, Decisions.SparseThreadsPay(nonZeros));

    [Theory]
    [InlineData((1 << 20) - 1, 8, 1)]
    [InlineData(1 << 20, 8, 4)]
    [InlineData(1 << 20, 3, 3)]
    public void PackingThreads_Values_AreSeveralFromAMillionOnAndAtMostFour(long values, int threads, int expected) =>
        Assert.Equal(expected, Decisions.PackingThreads(values, threads));

    [Fact]
    public void MemoryLimitAndZeroFeatures_Options_DecideThem()
    {
        Assert.Equal(7, new Options { MemoryLimitInBytes = 7 }.ToSettings().Reading.MemoryLimit);
        Assert.Equal(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2, new Options().ToSettings().Reading.MemoryLimit);
        Assert.All([false, true], standardize =>
            Assert.Equal(standardize, Decisions.LeavesOutZeroFeatures(new Options { Standardize = standardize }.ToSettings().Reading)));
    }
}
