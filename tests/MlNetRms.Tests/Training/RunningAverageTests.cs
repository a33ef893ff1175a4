using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>The mean over the last steps that is evaluated and returned if training ends early. It changes nothing else.</summary>
public sealed class RunningAverageTests
{
    private const int Epochs = 20;
    private const double SumsOfFloats = 2e-5;

    /// <summary>
    /// The first averaged step, from 0, after each of twenty steps of which the last five are averaged. The window has that length and restarts
    /// after 2, 5, 10 and 15 steps; the steps between the last two restarts are averaged too.
    /// </summary>
    private static readonly int[] _begins = [0, 0, 0, 0, 2, 2, 2, 2, 2, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 15];

    private static readonly Examples _dense = Some.Linear(1, 200, [1, 10, 0.1], means: [5, 0, 1], noise: 1);
    private static readonly Examples _sparse = Some.MostlyZero(1, 300, 2, 90, 3, noise: 1);

    private static readonly Dictionary<string, (Examples Rows, Func<Options> Options)> _forms = new()
    {
        ["dense"] = (_dense, () => new() { Decorrelate = false }),
        ["decorrelated"] = (_dense, () => new() { Decorrelate = true }),
        ["momentum"] = (_dense, () => new() { Momentum = 0.9f, LearningRate = 0.01f }),
        ["not standardised"] = (_dense, () => new() { Standardize = false }),
        ["lasso"] = (_dense, () => new() { L1Regularization = 1e-12f }),
        ["lazy weights"] = (_sparse, () => new() { Decorrelate = false }),
        ["lazy weights with momentum"] = (_sparse, () => new() { Decorrelate = false, Momentum = 0.9f, LearningRate = 0.01f }),
        ["lazy weights, centered"] = (_sparse, () => new() { Decorrelate = false, Centered = true, Momentum = 0.5f }),
        ["lazy weights with a penalty"] = (_sparse, () => new() { Decorrelate = false, L2Regularization = 0.01f }),
        ["all weights of sparse columns"] = (_sparse, () => new() { Decorrelate = false, GradientClippingNorm = 1e18f }),
    };

    private readonly MLContext _ml = new(1);

    public static TheoryData<string> Forms => [.. _forms.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Stop_AfterAnyEpoch_ReturnsTheMeanOverTheRunningWindow(string form)
    {
        // One step per epoch, so that the weights after every step are those of a training that ends there.
        float[][] after = [.. Enumerable.Range(1, Epochs).Select(epochs => Fit(form, epochs, averaged: 0, batchSize: 1000).Parameters())];

        for (int epoch = 1; epoch <= Epochs; epoch++)
        {
            float[][] averaged = after[_begins[epoch - 1]..epoch];
            float[] expected = [.. Enumerable.Range(0, after[0].Length).Select(i => averaged.Average(weights => weights[i]))];

            Models.AssertClose(expected, Fit(form, Epochs, averaged: 0.25f, batchSize: 1000, stopAfter: epoch).Parameters(), SumsOfFloats);
        }
    }

    /// <summary>Several steps per epoch, so that most of them leave most weights unchanged.</summary>
    [Theory]
    [InlineData("lazy weights")]
    [InlineData("lazy weights with momentum")]
    [InlineData("lazy weights, centered")]
    public void Stop_OfLazyWeights_IsThatOfUpdatingAllWeights(string form)
    {
        for (int epoch = 1; epoch <= Epochs; epoch++)
        {
            RmsPropRegressionTransformer touched = Fit(form, Epochs, averaged: 0.25f, batchSize: 40, stopAfter: epoch);
            // A clipping norm that is never reached only disables lazy updates.
            RmsPropRegressionTransformer all = Fit(form, Epochs, averaged: 0.25f, batchSize: 40, stopAfter: epoch, clippingNorm: 1e18f);

            Assert.Equal((true, false), (touched.Training.UpdatedLazily, all.Training.UpdatedLazily));
            Models.AssertClose(all.Parameters(), touched.Parameters(), SumsOfFloats);
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Fit_CallbackOrValidationThatDoesNotStop_GivesTheBitsOfTheTrainingWithout(string form)
    {
        foreach (float averaged in new[] { 0, 0.01f, 0.23f, 0.5f, 1 })
        {
            float[] expected = Fit(form, Epochs, averaged, batchSize: 40).Parameters();

            Assert.Equal(expected, Fit(form, Epochs, averaged, batchSize: 40, stopAfter: Epochs + 1).Parameters());
            Assert.Equal(expected, Trainer(form, Epochs, averaged, batchSize: 40).Fit(_forms[form].Rows.View(_ml), _forms[form].Rows.View(_ml))
                .Parameters());
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void ValidationLoss_OfAnEpoch_IsThatOfTheModelThatStoppingThereReturns(string form)
    {
        Examples rows = _forms[form].Rows;
        TrainingReport report = Trainer(form, Epochs, averaged: 0.25f, batchSize: 40).Fit(rows.View(_ml), rows.View(_ml)).Training;

        foreach (EpochReport epoch in report.Epochs)
        {
            double expected = 0.5 * Math.Pow(Fit(form, Epochs, averaged: 0.25f, batchSize: 40, stopAfter: epoch.Epoch).Rmse(rows), 2);
            Assert.Equal(expected, epoch.ValidationLoss!.Value, SumsOfFloats * expected);
        }
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("decorrelated")]
    [InlineData("lazy weights")]
    [InlineData("lazy weights with momentum")]
    public void Fit_ThatContinuesAStoppedTraining_AveragesItsOwnStepsAndThoseBeforeOnlyWhereTheyAreAtHand(string form)
    {
        float[][] after = [.. Enumerable.Range(1, 12).Select(epochs => Fit(form, epochs, averaged: 0, batchSize: 1000).Parameters())];
        RmsPropRegressionTransformer stopped = Fit(form, Epochs, averaged: 0.25f, batchSize: 1000, stopAfter: 7);        // 2 to 4 and 5 to 6

        AssertMean(from: 5, to: 10);        // half of ten steps: those since the window last restarted
        AssertMean(from: 7, to: 12);        // half of twelve would be 6 to 11

        void AssertMean(int from, int to)
        {
            float[][] averaged = after[from..to];
            float[] expected = [.. Enumerable.Range(0, after[0].Length).Select(i => averaged.Average(weights => weights[i]))];
            foreach (int stopAfter in new[] { 0, 1000 })
            {
                float[] actual = Trainer(form, to - 7, averaged: 0.5f, batchSize: 1000, stopAfter).Fit(_forms[form].Rows.View(_ml), stopped)
                    .Parameters();
                Models.AssertClose(expected, actual, SumsOfFloats);
            }
        }
    }

    private RmsPropRegressionTransformer Fit(string form, int epochs, float averaged, int batchSize, int stopAfter = 0, float? clippingNorm = null) =>
        Trainer(form, epochs, averaged, batchSize, stopAfter, clippingNorm).Fit(_forms[form].Rows.View(_ml));

    private RmsPropRegressionTrainer Trainer(string form, int epochs, float averaged, int batchSize, int stopAfter = 0, float? clippingNorm = null)
    {
        Options options = _forms[form].Options();
        options.NumberOfEpochs = epochs;
        options.AveragedFraction = averaged;
        options.BatchSize = batchSize;
        options.LearningRateSchedule = LearningRateSchedule.Constant;
        options.GradientClippingNorm ??= clippingNorm;
        if (stopAfter > 0)
        {
            options.EpochCompleted = progress =>
            {
                if (progress.Report.Epoch == stopAfter)
                    progress.Stop();
            };
        }
        return _ml.Regression.Trainers.RmsProp(options);
    }
}
