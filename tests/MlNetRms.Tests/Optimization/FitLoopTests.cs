using MlNetRms.Examples;
using MlNetRms.Optimization;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Optimization;

public sealed class FitLoopTests
{
    [Theory]
    [InlineData(1, 128, null, 1, 1, 10_000)]
    [InlineData(1500, 10, 2, 10, 150, 2)]
    [InlineData(1000, 128, null, 128, 8, 1250)]
    [InlineData(1_280_000, 128, null, 128, 10_000, 1)]
    [InlineData(1_280_001, 128, null, 128, 10_001, 1)]
    [InlineData(1_279_872, 128, null, 128, 9_999, 2)]
    [InlineData(3_000_000_000, 128, 1000, 128, 23_437_500, 1000)]
    [InlineData(3_000_000_000, 2_000_000_000, 3, 2_000_000_000, 2, 3)]
    [InlineData(5, int.MaxValue, 1, 5, 1, 1)]
    [InlineData(2_147_483_647, 1, null, 1, 2_147_483_647, 1)]
    public void Of_RowsAndOptions_SettlesBatchesAndEpochs(long rows, int batchSize, int? epochs, int expectedBatch, int expectedSteps, int expectedEpochs)
    {
        TrainingLength length = TrainingLength.Of(rows, new Options { BatchSize = batchSize, NumberOfEpochs = epochs });

        Assert.Equal(new TrainingLength(expectedBatch, expectedSteps, expectedEpochs), length);
        Assert.Equal((long)expectedSteps * expectedEpochs, length.TotalSteps);
    }

    [Fact]
    public void Run_Shuffled_EqualsTheScalarTrainingInTheBatchOrderOfEachEpoch()
    {
        var options = new Options { Standardize = false, BatchSize = 10, NumberOfEpochs = 4, Alpha = 0.9f, Seed = 7 };
        using ExampleStore store = Stored.Read(Some.Linear(1, 53, 4), options, out Standardizer standardizer, _ => false);
        (float[] Features, float Label, float Weight)[] stored = Enumerable.Range(0, 53).Select(row => Stored.Row(store, row)).ToArray();
        var rows = new Rows(stored.Select(row => row.Features).ToArray(), stored.Select(row => row.Label).ToArray());
        var order = new BatchOrder(53, 10, runLength: 1000, shuffle: true, options.Seed);        // rows this few are one run

        using var loop = new FitLoop(store, validation: null, standardizer, start: null, state: null, options, TrainingLength.Of(53, options));

        LinearWeights actual = loop.Run(_ => true).Weights;

        (double[] expected, _) = ScalarTraining.Run(rows, options, (epoch, batches) =>
        {
            order.Begin(epoch);
            return Enumerable.Range(0, batches).Select(order.Batch).Select(batch =>
                Enumerable.Range(0, batch.Count).Select(i => (int)((batch.First + i) % 53)));
        });
        // 24 steps; each repeats the last one's roundings and adds its own, of 6e-8.
        Models.AssertClose(expected.Select(w => (float)w).ToArray(), [.. actual.Weights.Select(w => (float)w), (float)actual.Bias], 2e-5);
    }

    [Fact]
    public void TotalSteps_MoreThanAnInt_DoNotWrap() =>
        Assert.Equal(3_000_000_000L * 1000 / 100, TrainingLength.Of(3_000_000_000, new Options { BatchSize = 100, NumberOfEpochs = 1000 }).TotalSteps);

    [Theory]
    [InlineData(1e15f, 0.03f)]         // sums of squares overflow in the first batches
    [InlineData(1e25f, 0.03f)]         // the square of a gradient is beyond float, and dividing by its root would stop all learning
    [InlineData(100f, 1e20f)]
    public void Fit_NotStandardizedAndDivergent_ThrowsWithEpochStepRateFeatureAndRemedy(float scale, float learningRate)
    {
        Rows rows = Some.Linear(1, 200, [1, scale, 1]);
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(
            new Options { Standardize = false, LearningRate = learningRate, LearningRateSchedule = LearningRateSchedule.Constant });

        var exception = Assert.Throws<InvalidOperationException>(() => trainer.Fit(rows.View(ml, ["Small", "Huge", "Other"])));

        float largest = rows.Features.Select(row => row[1]).MaxBy(MathF.Abs);
        Assert.Matches(@"diverged in epoch [1-9]\d* at step [1-9]\d*", exception.Message);
        Assert.Contains(FormattableString.Invariant($"The learning rate was {learningRate}"), exception.Message, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"the largest feature is {largest} in feature 'Huge'"), exception.Message, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"Lower LearningRate (now {learningRate}) or turn Standardize on"), exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_DivergentInTheLastStepOfAll_Throws()
    {
        // One step, so no later loss can give it away: the weights themselves are beyond float.
        Rows rows = Some.Linear(1, 20, 2);
        var options = new Options
        {
            Standardize = false,
            NumberOfEpochs = 1,
            BatchSize = 20,
            Epsilon = 1e-6f,
            BiasCorrection = false,
            LearningRate = 1e38f,
            LearningRateSchedule = LearningRateSchedule.Custom("thrice", (_, _) => 3),
        };

        var exception = Assert.Throws<InvalidOperationException>(() => rows.Fit(options));

        Assert.Contains("epoch 1 at step 1", exception.Message, StringComparison.Ordinal);
        Assert.Contains("The learning rate was 3E+38", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_StandardizedAndDivergent_NamesTheSlotAndDoesNotAdviseStandardize()
    {
        Rows rows = Some.Linear(1, 200, 3);
        var options = new Options { LearningRate = 1e20f, LearningRateSchedule = LearningRateSchedule.Constant };

        var exception = Assert.Throws<InvalidOperationException>(() => rows.Fit(options));

        Assert.Matches(@"the largest standardised feature is -?\d\.\d+ in slot [012] of column 'Features'", exception.Message);
        Assert.EndsWith("Lower LearningRate (now 1E+20).", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_DivergentInAnEarlyEpoch_SaysSoWithinThatEpoch()
    {
        int asked = 0;
        LearningRateSchedule schedule = LearningRateSchedule.Custom("blows up at step 25", (step, _) =>
        {
            asked++;
            return step < 25 ? 1 : 1e25;
        });

        var exception = Assert.Throws<InvalidOperationException>(() =>
            Some.Linear(1, 200, 3).Fit(new() { BatchSize = 20, NumberOfEpochs = 100, LearningRateSchedule = schedule }));

        Assert.Contains("epoch 3 at step 27", exception.Message, StringComparison.Ordinal);
        Assert.Equal(27, asked);
    }

    [Fact]
    public void Fit_WeightsInRawUnitsBeyondFloat_ThrowsWithTheFeature()
    {
        Rows rows = Some.Linear(1, 200, [1, 1e-30], labelScale: 1e20);
        var ml = new MLContext(1);

        var exception = Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp().Fit(rows.View(ml, ["Usual", "Tiny"])));

        Assert.Contains("feature 'Tiny'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Rescale", exception.Message, StringComparison.Ordinal);
    }
}
