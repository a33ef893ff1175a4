using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Complete trainings with sparse columns: lazy updates give the same model as updating all weights.</summary>
public sealed class SparseUpdatesTests
{
    /// <summary>A few hundred steps in float, whose roundings differ between the two.</summary>
    private const double OtherRoundings = 5e-5;

    private static readonly Examples _rows = Some.MostlyZero(1, 900, denseColumns: 3, sparseColumns: 330, nonZeros: 3);

    private static readonly Dictionary<string, Options> _forms = new()
    {
        ["defaults"] = new(),
        ["centered"] = new() { Centered = true, LearningRate = 0.01f },
        ["no bias correction"] = new() { BiasCorrection = false, Alpha = 0.9f },
        ["epsilon inside"] = new() { EpsilonPlacement = EpsilonPlacement.InsideSquareRoot },
        ["last weights"] = new() { AveragedFraction = 0 },
        ["average of all"] = new() { AveragedFraction = 1 },
        ["constant rate"] = new() { LearningRateSchedule = LearningRateSchedule.Constant, LearningRate = 0.01f },
        ["momentum at a constant rate"] = new() { Momentum = 0.9f, LearningRateSchedule = LearningRateSchedule.Constant, LearningRate = 0.002f },
        ["not standardised"] = new() { Standardize = false },
        ["initial weights"] = new() { InitialWeightsStandardDeviation = 0.3f },
        ["loss"] = new() { LossFunction = new HuberLoss(0.7f) },
        ["in order"] = new() { Shuffle = false },
        ["weighted"] = new() { ExampleWeightColumnName = nameof(Example.Weight) },
        ["decorrelated"] = new() { Decorrelate = true },
        ["decorrelated, weighted"] = new() { Decorrelate = true, ExampleWeightColumnName = nameof(Example.Weight) },
    };

    public static TheoryData<string> Forms => new(_forms.Keys);

    [Theory, MemberData(nameof(Forms))]
    public void Fit_LazyUpdates_GiveTheModelOfUpdatingAllWeights(string form)
    {
        // A clipping norm that is never reached only disables lazy updates.
        RmsPropRegressionTransformer touched = Fit(form, clippingNorm: null);
        RmsPropRegressionTransformer all = Fit(form, clippingNorm: 1e18f);

        Assert.True(touched.Training.UpdatedLazily);
        Assert.False(all.Training.UpdatedLazily);
        Assert.Equal(330, touched.Training.SparseFeatures);
        Models.AssertClose(all.Parameters(), touched.Parameters(), OtherRoundings);
        Models.AssertClose(all.Training.Epochs.Select(epoch => (float)epoch.Loss).ToArray(),
            touched.Training.Epochs.Select(epoch => (float)epoch.Loss).ToArray(), OtherRoundings);
    }

    private static readonly Dictionary<string, Options> _acting = new()
    {
        [nameof(Options.Momentum)] = new() { Momentum = 0.9f },
        [nameof(Options.L1Regularization)] = new() { L1Regularization = 0.01f },
        [nameof(Options.NonNegativeWeights)] = new() { NonNegativeWeights = true },
        [nameof(Options.GradientClippingNorm)] = new() { GradientClippingNorm = 1 },
    };

    public static TheoryData<string> ActingOnEveryWeight => new(_acting.Keys);

    [Theory, MemberData(nameof(ActingOnEveryWeight))]
    public void Fit_OptionThatActsOnOtherWeights_UpdatesAllWeights(string option)
    {
        Options options = _acting[option];
        options.NumberOfEpochs = 1;

        TrainingReport report = _rows.Fit(options).Training;
        Assert.Equal((330, false), (report.SparseFeatures, report.UpdatedLazily));
    }

    [Fact]
    public void Fit_L2Regularization_UpdatesLazilyAndShrinksTouchedWeights()
    {
        RmsPropRegressionTransformer plain = _rows.Fit(new() { L2Regularization = 0 });
        RmsPropRegressionTransformer ridge = _rows.Fit(new() { L2Regularization = 0.1f });

        Assert.True(ridge.Training.UpdatedLazily);
        Assert.InRange(ridge.Model.Weights.Skip(3).Sum(w => w * w), 0, 0.8f * plain.Model.Weights.Skip(3).Sum(w => w * w));
    }

    [Theory]
    [InlineData(63, 0, false)]
    [InlineData(64, 64, true)]
    public void Fit_SparseColumns_AreUpdatedLazilyFromSixtyFourOn(int columns, int sparseFeatures, bool touchedOnly)
    {
        TrainingReport report = Some.MostlyZero(1, 300, 2, columns, 2).Fit(new() { Decorrelate = false, NumberOfEpochs = 1 }).Training;

        Assert.Equal((sparseFeatures, touchedOnly), (report.SparseFeatures, report.UpdatedLazily));
    }

    public static TheoryData<float, float, bool> Oracles => new()
    {
        { 0, 0, false },
        { 0, 0, true },
        { 0.05f, 0, false },          // the penalty also acts on the weights of sparse columns
        { 0, 0.9f, false },
        { 0.05f, 0.9f, true },
    };

    [Theory, MemberData(nameof(Oracles))]
    public void Fit_SparseColumns_EqualsTheScalarTraining(float l2, float momentum, bool biasCorrection)
    {
        Examples rows = Weighted(_rows.Take(Enumerable.Range(0, 200)));
        var options = new Options
        {
            Standardize = false,
            Shuffle = false,
            BatchSize = 16,
            NumberOfEpochs = 4,
            Alpha = 0.9f,
            Epsilon = 0.1f,
            LearningRate = 0.01f,
            L2Regularization = l2,
            Momentum = momentum,
            BiasCorrection = biasCorrection,
            ExampleWeightColumnName = nameof(Example.Weight),
        };

        // A penalty in every step also acts on weights that are not in the batch; a clipping norm that is never reached enforces such steps.
        options.GradientClippingNorm = l2 > 0 ? 1e18f : null;
        RmsPropRegressionTransformer model = rows.Fit(options);

        Assert.True(model.Training.SparseFeatures >= 64);
        Models.AssertClose(ScalarTraining.Run(rows, options).Parameters.Select(w => (float)w).ToArray(), model.Parameters(), OtherRoundings);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.05f)]
    public void Fit_SparseColumnsTouched_EqualsTheScalarTrainingWithThePenaltyDividedAmongTheRowsThatTouch(float l2)
    {
        Examples rows = Weighted(_rows.Take(Enumerable.Range(0, 200)));
        var options = new Options
        {
            Standardize = false,
            Shuffle = false,
            BatchSize = 16,
            NumberOfEpochs = 4,
            Alpha = 0.9f,
            Epsilon = 0.1f,
            LearningRate = 0.01f,
            L2Regularization = l2,
            ExampleWeightColumnName = nameof(Example.Weight),
        };

        RmsPropRegressionTransformer model = rows.Fit(options);

        Assert.Equal((330, true), (model.Training.SparseFeatures, model.Training.UpdatedLazily));
        float[] expected = [.. ScalarTraining.Run(rows, options, penalizedOnTouch: column => column >= 3).Parameters.Select(w => (float)w)];
        Models.AssertClose(expected, model.Parameters(), OtherRoundings);
        if (l2 > 0)
            Assert.True(Models.Distance(expected, [.. ScalarTraining.Run(rows, options).Parameters.Select(w => (float)w)]) > 10 * OtherRoundings);
    }

    [Fact]
    public void Fit_SparseAndDivergent_Throws()
    {
        var exception = Assert.Throws<InvalidOperationException>(() =>
            _rows.Fit(new() { LearningRate = 1e30f, LearningRateSchedule = LearningRateSchedule.Constant }));

        Assert.Contains("diverged in epoch 1", exception.Message, StringComparison.Ordinal);
    }

    private static RmsPropRegressionTransformer Fit(string form, float? clippingNorm)
    {
        Options options = _forms[form];
        options.Decorrelate ??= false;
        options.NumberOfEpochs = 15;
        options.GradientClippingNorm = clippingNorm;
        return (options.ExampleWeightColumnName is null ? _rows : Weighted(_rows)).Fit(options);
    }

    private static Examples Weighted(Examples rows) =>
        new(rows.Features, rows.Labels, Enumerable.Range(0, rows.Count).Select(row => 0.5f + row % 4).ToArray());
}
