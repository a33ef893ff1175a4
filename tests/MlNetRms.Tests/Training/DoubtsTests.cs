using Microsoft.ML.Runtime;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Where the model is worse than it should be, <c>Fit</c> says so.</summary>
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
    public void Fit_CorrelatedColumnsThatAreNotDecorrelated_WarnsWithTheConditionNumber()
    {
        Rows rows = Some.Linear(1, 500, 4);
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
            Rows rows = Some.Linear(seed, 20 + seed, 1, weighted: true);
            var falling = new Rows(rows.Features, [.. rows.Features.Select(row => -row[0])], rows.Weights);

            foreach (Options options in new Options[] { new() { NonNegativeWeights = true }, new() { L1Regularization = 3 } })
            {
                options.ExampleWeightColumnName = nameof(Row.Weight);
                Assert.Equal(0, falling.Fit(options).Model.Weights[0]);
                Assert.Equal([], Warnings(falling, options));
            }
        }
    }

    [Fact]
    public void Fit_WholeNumbersThatFloatCanTellApart_AreNotConstant()
    {
        Rows rows = Some.Linear(1, 400, 2);
        Rows shifted = new([.. rows.Features.Select(row => new[] { 1e7f + MathF.Round(row[0]), row[1] })],
            [.. rows.Features.Select(row => 3 * MathF.Round(row[0]) + row[1])]);

        RmsPropRegressionTransformer model = shifted.Fit(new());

        Assert.Equal(0, model.Training.ConstantFeatures);
        Assert.Equal(3, model.Model.Weights[0], 0.01);
    }

    [Fact]
    public void Fit_WeightThatFloatRoundsToZero_ThrowsWithItsColumn()
    {
        Rows rows = Some.Linear(1, 200, 2);
        var tiny = new Rows([.. rows.Features.Select(row => new[] { row[0] * 1e30f, row[1] })], [.. rows.Labels.Select(label => label * 1e-20f)]);

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

    private string[] Warnings(Rows rows, Options options)
    {
        var log = new LogCollector(_ml);
        _ml.Regression.Trainers.RmsProp(options).Fit(rows.View(_ml));
        return [.. log.Messages(ChannelMessageKind.Warning)];
    }
}
