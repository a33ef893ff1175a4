using MlNetRms.Host;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Trainings whose numbers overflow float, and their error messages.</summary>
public sealed class DivergenceTests
{
    [Theory]
    [InlineData(1e15f, 0.03f)]         // sums of squares overflow in the first batches
    [InlineData(1e25f, 0.03f)]         // the square of a gradient overflows, and dividing by its root would stop all learning
    [InlineData(100f, 1e20f)]
    public void Fit_NotStandardizedAndDivergent_ThrowsWithEpochStepRateFeatureAndRemedy(float scale, float learningRate)
    {
        Examples rows = Some.Linear(1, 200, [1, scale, 1]);
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(
            new Options { Standardize = false, LearningRate = learningRate, LearningRateSchedule = LearningRateSchedule.Constant });

        var exception = Assert.Throws<InvalidOperationException>(() => trainer.Fit(rows.View(ml, ["Small", "Huge", "Other"])));

        float largest = rows.Features.Select(row => row[1]).MaxBy(MathF.Abs);
        Assert.Matches(@"diverged in epoch [1-9]\d* at step [1-9]\d*", exception.Message);
        Assert.Contains(FormattableString.Invariant($"The learning rate was {learningRate}"), exception.Message, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"the largest feature is {largest} in feature 'Huge'"), exception.Message,
            StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"Lower LearningRate (now {learningRate}) or turn Standardize on"), exception.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_DivergentInTheLastStepOfAll_Throws()
    {
        // One step, so no later loss shows it: the weights themselves overflow.
        Examples rows = Some.Linear(1, 20, 2);
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
    [InlineData(1e38f)]        // a clipping norm that is never reached, so that all weights are updated
    public void Fit_SparseWeightsDivergentInTheLastStepOfAll_Throws(float? clippingNorm)
    {
        // Each row has its own column, and the labels add up to 0, so the bias has no gradient and cannot show it.
        var rows = new Examples(
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
        var rows = new Examples([.. Enumerable.Range(0, 80)
            .Select(row => Enumerable.Range(0, 80).Select(column => row == column ? 1f : 0).ToArray())],
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
        // Its value is finite, so only the gradient can show it.
        Examples rows = sparseColumns > 0 ? Some.MostlyZero(1, 300, denseColumns, sparseColumns, 3) : Some.Linear(1, 300, denseColumns);
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
        Examples rows = Some.Linear(1, 200, 3);
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
        Examples rows = Some.Linear(1, 200, [1, 1e-30], labelScale: 1e20);
        var ml = new MLContext(1);

        var exception = Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp().Fit(rows.View(ml, ["Usual", "Tiny"])));

        Assert.Contains("feature 'Tiny'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Rescale", exception.Message, StringComparison.Ordinal);
    }

    public static TheoryData<double, float> BadLosses => new()
    {
        { double.NaN, 1 },
        { double.PositiveInfinity, 1 },
        { 1, float.NaN },
        { 1, float.NegativeInfinity },
    };

    [Theory, MemberData(nameof(BadLosses))]
    public void Fit_LossThatIsNotFinite_ThrowsWithWhatItReturnedAndWhereAndNotWithTheRate(double loss, float derivative)
    {
        // Only in one row of 300, and only near its label.
        Examples rows = Some.Linear(1, 300, 3);
        rows.Labels[123] = 4.5f;
        var options = new Options
        {
            LossFunction = new LossOf(
                (output, label) => label == 4.5f && Math.Abs(output - label) < 1 ? loss : Math.Abs(output - label),
                (output, label) => label == 4.5f && Math.Abs(output - label) < 1 ? derivative : Math.Sign(output - label)),
        };

        string message = Assert.Throws<InvalidOperationException>(() => rows.Fit(options)).Message;

        Assert.StartsWith("Training diverged in epoch ", message, StringComparison.Ordinal);
        Assert.Contains("LossFunction MlNetRms.Tests.Support.LossOf returned", message, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"the loss {loss} and the derivative {derivative} for the prediction "), message,
            StringComparison.Ordinal);
        Assert.Contains("and the label 4.5.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("LearningRate", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_LossThatOverflowsOnlyFarFromAnyLabel_ThrowsWithTheRate()
    {
        var options = new Options
        {
            LearningRate = 1e10f,
            LearningRateSchedule = LearningRateSchedule.Constant,
            LossFunction = new LossOf((output, label) => Math.Exp(output - label) - output, (output, label) => MathF.Exp(output - label) - 1),
        };

        string message = Assert.Throws<InvalidOperationException>(() => Some.Linear(1, 300, 3).Fit(options)).Message;

        Assert.Contains("Lower LearningRate (now 1E+10)", message, StringComparison.Ordinal);
        Assert.DoesNotContain("LossFunction", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_EnormousWeightToStartFrom_ThrowsWithItAndNotWithTheRate(bool standardize)
    {
        var ml = new MLContext(1);
        IDataView view = Some.Linear(1, 300, 3).View(ml, ["First", "Second", "Third"]);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options { Standardize = standardize });

        string message = Assert.Throws<InvalidOperationException>(() =>
            trainer.Fit(view, MlNetInternals.NewLinearModel(ml, [1, 1e30f, 2], bias: 3))).Message;
        string bias = Assert.Throws<InvalidOperationException>(() =>
            trainer.Fit(view, MlNetInternals.NewLinearModel(ml, [1, 2, 3], bias: -1e30f))).Message;

        Assert.Contains("The weights that training began with have a loss of", message, StringComparison.Ordinal);
        Assert.Contains("1E+30, that of feature 'Second' (slot 1 of column 'Features')", message, StringComparison.Ordinal);
        Assert.Contains("The largest is the bias, -1E+30.", bias, StringComparison.Ordinal);
        Assert.DoesNotContain("LearningRate", message + bias, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_EnormousRandomWeights_ThrowsWithTheOption()
    {
        string message = Assert.Throws<InvalidOperationException>(() =>
            Some.Linear(1, 300, 3).Fit(new() { InitialWeightsStandardDeviation = 1e30f })).Message;

        Assert.EndsWith("Lower InitialWeightsStandardDeviation (now 1E+30).", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1e-39f)]        // below the smallest normal number
    [InlineData(1e-30f)]
    public void Fit_LossOfATinyUnit_HasTheWeightsOfThatLossInAUsualUnit(float unit)
    {
        Examples rows = Some.Linear(1, 300, 3);
        RmsPropRegressionTransformer Fit(float factor) => rows.Fit(new()
        {
            LossFunction = new LossOf((output, label) => factor * Math.Abs(output - label), (output, label) => factor * Math.Sign(output - label)),
        });

        // The smallest floats here have five digits.
        Models.AssertClose(Fit(1).Parameters(), Fit(unit).Parameters(), 1e-2);
    }
}
