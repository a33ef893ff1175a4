using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary><c>Fit</c> warns if the model is worse than it should be.</summary>
public sealed class DoubtsTests
{
    private readonly MLContext _ml = new(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_EnormousConstantRate_WarnsThatTheMeanIsBetter(bool decorrelate)
    {
        string warning = Assert.Single(Warnings(Some.Linear(1, 300, 3), new()
        {
            Decorrelate = decorrelate,
            LearningRate = 1e10f,
            LearningRateSchedule = LearningRateSchedule.Constant,
            NumberOfEpochs = 20,
        }), line => line.StartsWith("The model is worse than the mean of the label", StringComparison.Ordinal));

        Assert.Contains("Lower LearningRate", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_CorrelatedColumnsThatAreNotWhitened_WarnsWithTheConditionNumber()
    {
        Examples rows = Some.Linear(1, 500, 4);
        foreach (float[] row in rows.Features)
            row[1] = row[0] + 0.01f * row[1];

        string warning = Assert.Single(Warnings(rows, new() { NonNegativeWeights = true }));

        Assert.Matches(@"^The features are strongly correlated \(condition number \d+\)", warning);
        Assert.Empty(Warnings(rows, new()));
    }

    [Theory]
    [InlineData(30, 2)]
    [InlineData(300, 20)]
    [InlineData(100, 150)]
    public void Fit_DefaultOptions_WarnsOfNothing(int count, int columns) => Assert.Empty(Warnings(Some.Linear(1, count, columns), new()));

    [Fact]
    public void Fit_PenaltyOrBoundThatMakesTheModelTheMean_WarnsOfNothing()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            Examples rows = Some.Linear(seed, 20 + seed, 1, weighted: true);
            var falling = new Examples(rows.Features, [.. rows.Features.Select(row => -row[0])], rows.Weights);

            foreach (Options options in new Options[] { new() { NonNegativeWeights = true }, new() { L1Regularization = 3 } })
            {
                options.ExampleWeightColumnName = nameof(Example.Weight);
                Assert.Equal(0, falling.Fit(options).Model.Weights[0]);
                Assert.Equal([], Warnings(falling, options));
            }
        }
    }

    [Fact]
    public void Fit_WholeNumbersThatFloatCanTellApart_AreNotConstant()
    {
        Examples rows = Some.Linear(1, 400, 2);
        Examples shifted = new([.. rows.Features.Select(row => new[] { 1e7f + MathF.Round(row[0]), row[1] })],
            [.. rows.Features.Select(row => 3 * MathF.Round(row[0]) + row[1])]);

        RmsPropRegressionTransformer model = shifted.Fit(new());

        Assert.Equal(0, model.Training.ConstantFeatures);
        Assert.Equal(3, model.Model.Weights[0], 0.01);
    }

    [Fact]
    public void Fit_WeightThatFloatRoundsToZero_ThrowsWithItsColumn()
    {
        Examples rows = Some.Linear(1, 200, 2);
        var tiny = new Examples([.. rows.Features.Select(row => new[] { row[0] * 1e30f, row[1] })], [.. rows.Labels.Select(label => label * 1e-20f)]);

        var exception = Assert.Throws<InvalidOperationException>(() =>
            _ml.Regression.Trainers.RmsProp().Fit(tiny.View(_ml, ["Huge", "Usual"])));

        Assert.Contains("The weight of feature 'Huge'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("which float rounds to 0", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Derivative_NaN_IsNaN()
    {
        Assert.True(float.IsNaN(new AbsoluteLoss().Derivative(float.NaN, 0)));
        Assert.True(float.IsNaN(new EpsilonInsensitiveLoss(1).Derivative(float.NaN, 0)));
    }

    [Theory]
    [InlineData(1, 300, 1e38f, 1e-5f)]
    [InlineData(1, 5000, 1e38f, 1e-5f)]        // the loss over all rows does not show it
    [InlineData(3, 300, 100, 1e-6f)]
    public void Fit_FewRowsOfEnormousWeight_WarnsThatTheyDecideAndNotOfTheRate(int heavyRows, int count, float heavy, float light)
    {
        Examples rows = Some.Linear(1, count, 3);
        rows = new Examples(rows.Features, rows.Labels, [.. Enumerable.Range(0, count).Select(row => row < heavyRows ? heavy : light)]);
        foreach (IRegressionLoss? loss in new IRegressionLoss?[] { null, new HuberLoss() })
        {
            string warning = Assert.Single(Warnings(rows, new() { ExampleWeightColumnName = nameof(Example.Weight), LossFunction = loss }));

            Assert.Contains("The example weights in column 'Weight'", warning, StringComparison.Ordinal);
            Assert.Contains(FormattableString.Invariant($"the {count} training rows count as {heavyRows}.0: the largest is {heavy:g3}"), warning,
                StringComparison.Ordinal);
            Assert.DoesNotContain("LearningRate", warning, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Fit_WeightsOfSixOrdersOfMagnitude_WarnsOfNothing()
    {
        Examples rows = Some.Linear(1, 5000, 3);
        rows = new Examples(rows.Features, rows.Labels, [.. Some.Normals(2, rows.Count).Select(x => MathF.Pow(10, x))]);

        Assert.Empty(Warnings(rows, new() { ExampleWeightColumnName = nameof(Example.Weight) }));
    }

    [Fact]
    public void Fit_HugeWeightToStartFrom_WarnsWithItAndNotOfTheRate()
    {
        // The loss is finite, but steps of the usual length make no progress.
        var log = new LogCollector(_ml);
        _ml.Regression.Trainers.RmsProp(new Options { LossFunction = new HuberLoss() })
            .Fit(Some.Linear(1, 300, 3).View(_ml), MlNetInternals.NewLinearModel(_ml, [1, 1e30f, 2], bias: 3));

        string warning = Assert.Single(log.Messages(ChannelMessageKind.Warning));

        Assert.StartsWith("The model is worse than the mean of the label", warning, StringComparison.Ordinal);
        Assert.Contains("1E+30, that of slot 1 of column 'Features'", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("LearningRate", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.01f, false)]        // no worse than weights of 0
    [InlineData(1000, true)]
    public void Fit_RandomFirstWeights_AreNamedWhereTheyAreTheCause(float deviation, bool named)
    {
        Examples rows = Some.Linear(1, 300, [1, 1, 1], labelOffset: 100);
        Options options = Options.Textbook();
        options.InitialWeightsStandardDeviation = deviation;

        string warning = Assert.Single(Warnings(rows, options));

        Assert.StartsWith("The model is worse than the mean of the label", warning, StringComparison.Ordinal);
        Assert.Equal((named, !named), (warning.EndsWith($"Lower InitialWeightsStandardDeviation (now {deviation}).", StringComparison.Ordinal),
            warning.Contains("LearningRate", StringComparison.Ordinal)));
    }

    private string[] Warnings(Examples rows, Options options)
    {
        var log = new LogCollector(_ml);
        _ml.Regression.Trainers.RmsProp(options).Fit(rows.View(_ml));
        return [.. log.Messages(ChannelMessageKind.Warning)];
    }
}
