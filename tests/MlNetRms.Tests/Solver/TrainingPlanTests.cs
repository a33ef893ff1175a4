using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Solver;

public sealed class TrainingPlanTests
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
    public void Of_RowsAndOptions_SettlesBatchesAndEpochs(long rows, int batchSize, int? epochs, int expectedBatch, int expectedSteps, int expectedEpochs)
    {
        TrainingPlan plan = Of(rows, new() { BatchSize = batchSize, NumberOfEpochs = epochs });

        Assert.Equal((expectedBatch, expectedSteps, expectedEpochs), (plan.BatchSize, plan.StepsPerEpoch, plan.NumberOfEpochs));
        Assert.Equal((long)expectedSteps * expectedEpochs, plan.TotalSteps);
    }

    [Fact]
    public void TotalSteps_MoreThanAnInt_DoNotWrap() =>
        Assert.Equal(3_000_000_000L * 1000 / 100, Of(3_000_000_000, new() { BatchSize = 100, NumberOfEpochs = 1000 }).TotalSteps);

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.5f, 0, 15)]
    [InlineData(0.5f, 7, 19)]        // 18.5 of 37, rounded up
    [InlineData(1, 0, 30)]
    [InlineData(1, 30, 60)]
    [InlineData(1e-9f, 0, 1)]
    public void Of_AveragedFraction_IsAShareOfAllStepsTheOnesBeforeIncluded(float fraction, long stepsBefore, long expected) =>
        Assert.Equal(expected, Of(100, new() { BatchSize = 10, NumberOfEpochs = 3, AveragedFraction = fraction }, stepsBefore).AveragedSteps);

    private static TrainingPlan Of(long rows, Options options, long stepsBefore = 0) =>
        Decisions.Plan(rows, options.ToSettings().Plan, stepsBefore);

    [Theory]
    [InlineData(1_000_000, null, 2, 1.0)]        // few epochs: whole ones
    [InlineData(100_000, null, 6, 2.0)]
    [InlineData(20_000, null, 26, 5.2)]        // many: the share itself
    [InlineData(1_000_000, 2, 2, 0.4)]        // a number that was asked for: the share itself
    public void Of_AFifthAveraged_CoversWholeEpochsWhereThereAreFew(long rows, int? epochs, int expectedEpochs, double averagedEpochs)
    {
        TrainingPlan plan = Decisions.Plan(rows, new RmsPropRegressionTrainer.Options { NumberOfEpochs = epochs }.ToSettings().Plan);

        Assert.Equal(expectedEpochs, plan.NumberOfEpochs);
        Assert.Equal(averagedEpochs, (double)plan.AveragedSteps / plan.StepsPerEpoch, 0.02);
    }

    [Theory]
    [InlineData(1000, null, 0.2f, 25, 100)]        // four steps an epoch
    [InlineData(15_000, null, 0.2f, 2, 118)]
    [InlineData(1_000_000, null, 0.2f, 1, 3907)]
    [InlineData(1_000_000, 2, 0.2f, 1, 1563)]        // no more than the planned average has
    [InlineData(1000, null, 0, 25, 0)]
    public void EpochsPerPeriod_AnyRows_MakeAHundredStepsOrOneEpoch(long rows, int? epochs, float averaged, int expectedEpochs, long expectedSteps)
    {
        TrainingPlan plan = Of(rows, new() { NumberOfEpochs = epochs, AveragedFraction = averaged });

        Assert.Equal(expectedEpochs, plan.EpochsPerPeriod);
        Assert.Equal(expectedSteps, plan.RunningSteps);
        Assert.Equal(7L * expectedEpochs, plan.PatienceInEpochs(new StoppingSettings(Patience: 7, MinimumImprovement: 0)));
    }

    [Theory]
    [InlineData(0.2f, 1, 0.8)]
    [InlineData(0.5f, 1, 0.8)]
    [InlineData(0.9f, 1, 0.9)]
    [InlineData(0, 2, 0)]        // without an average one pass is not enough
    [InlineData(1, 2, 2)]
    public void Of_RowsThatMayBeVisitedOnce_AveragesAtLeastFourFifthsOfThem(float fraction, int expectedEpochs, double averagedEpochs)
    {
        TrainingPlan plan = Decisions.Plan(1_000_000, new RmsPropRegressionTrainer.Options { AveragedFraction = fraction }.ToSettings().Plan, mayVisitOnce: true);

        Assert.Equal(expectedEpochs, plan.NumberOfEpochs);
        Assert.Equal(averagedEpochs, (double)plan.AveragedSteps / plan.StepsPerEpoch, 0.001);
        Assert.Equal(3, Decisions.Plan(200_000, new RmsPropRegressionTrainer.Options().ToSettings().Plan, mayVisitOnce: true).NumberOfEpochs);        // for the steps
        Assert.Equal(2, Decisions.Plan(1_000_000, new RmsPropRegressionTrainer.Options { NumberOfEpochs = 2 }.ToSettings().Plan, mayVisitOnce: true).NumberOfEpochs);
    }

    [Fact]
    public void Fit_AutomaticEpochs_HoldsTheRateWhereItAverages()
    {
        TrainingReport report = Some.Linear(1, 100_000, 2).Fit(new()).Training;

        Assert.Equal(6, report.Epochs.Count);
        Assert.Equal(0.03f * report.LearningRate, report.Epochs[^1].LearningRate, 1e-6f);
        Assert.Equal(report.Epochs[^1].LearningRate, report.Epochs[^2].LearningRate);
        Assert.True(report.Epochs[^3].LearningRate >= report.Epochs[^2].LearningRate);
        Assert.True(report.Epochs[^4].LearningRate > 2 * report.Epochs[^2].LearningRate);
    }
}
