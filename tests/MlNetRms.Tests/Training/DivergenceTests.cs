using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Trainings that end in numbers beyond float, and what the error says.</summary>
public sealed class DivergenceTests
{
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

    [Theory]
    [InlineData(null)]
    [InlineData(1e38f)]        // a clipping norm that nothing reaches: all weights are updated
    public void Fit_SparseWeightsDivergentInTheLastStepOfAll_Throws(float? clippingNorm)
    {
        // Each row has its own column, and the labels add up to 0: the bias has no gradient and cannot give it away.
        var rows = new Rows(
            [.. Enumerable.Range(0, 80).Select(row => Enumerable.Range(0, 80).Select(column => row == column ? 1f : 0).ToArray())],
            [.. Enumerable.Range(0, 80).Select(row => row % 2 == 0 ? 1f : -1)]);
        var options = new Options
        {
            Standardize = false,
            NumberOfEpochs = 1,
            BatchSize = 80,
            Epsilon = 1e-6f,
            BiasCorrection = false,
            LearningRate = 1e38f,
            LearningRateSchedule = LearningRateSchedule.Custom("thrice", (_, _) => 3),
            GradientClippingNorm = clippingNorm,
        };

        var exception = Assert.Throws<InvalidOperationException>(() => rows.Fit(options));

        Assert.Contains("epoch 1 at step 1", exception.Message, StringComparison.Ordinal);
        Assert.Contains("The learning rate was 3E+38", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1e38f)]
    public void Fit_SparseWeightWhoseGradientIsNoNumber_ThrowsWithinThatEpoch(float? clippingNorm)
    {
        // ∞ − ∞ in one column, from two rows whose loss and bias gradient are finite.
        var rows = new Rows([.. Enumerable.Range(0, 80).Select(row => Enumerable.Range(0, 80).Select(column => row == column ? 1f : 0).ToArray())],
            [.. Enumerable.Range(0, 80).Select(row => row == 0 ? 1e12f : row == 1 ? -1e12f : 0)]);
        rows.Features[0][7] = rows.Features[1][7] = 1e30f;
        var options = new Options
        {
            Standardize = false,
            NumberOfEpochs = 1,
            BatchSize = 80,
            GradientClippingNorm = clippingNorm,
        };

        var exception = Assert.Throws<InvalidOperationException>(() => rows.Fit(options));

        Assert.Contains("diverged in epoch 1 at step 1", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(2, 90)]
    public void Fit_LossWhoseDerivativeIsNoNumber_Throws(int denseColumns, int sparseColumns)
    {
        // Its value is finite, so that only the gradient can give it away.
        Rows rows = sparseColumns > 0 ? Some.MostlyZero(1, 300, denseColumns, sparseColumns, 3) : Some.Linear(1, 300, denseColumns);
        var options = new Options
        {
            NumberOfEpochs = 2,
            Standardize = false,
            LossFunction = new LossOf((output, label) => Math.Abs(output - label), (_, _) => float.NaN),
        };

        Assert.Contains("diverged in epoch 1", Assert.Throws<InvalidOperationException>(() => rows.Fit(options)).Message, StringComparison.Ordinal);
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
