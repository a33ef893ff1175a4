using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Tests.Oracles;
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

    /// <summary>One epoch is two steps, far from enough.</summary>
    [Theory]
    [InlineData(null, "is", "Leave NumberOfEpochs open, or raise it (it was 1).")]        // whitened: the gap is exact
    [InlineData(false, "is", "Leave NumberOfEpochs open, or raise it (it was 1).")]
    public void Fit_OneEpochOfCorrelatedColumns_WarnsWithTheGapTheColumnsAndTheRemedy(bool? decorrelate, string exactly, string remedy)
    {
        Examples rows = Correlated();
        double least = new LeastSquares(rows).Rmse(rows);
        var log = new LogCollector(_ml);

        RmsPropRegressionTransformer model = _ml.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 1, Decorrelate = decorrelate })
            .Fit(rows.View(_ml, ["First", "Copy", "Third", "Fourth"]));

        string warning = Assert.Single(log.Messages(ChannelMessageKind.Warning));
        Match match = Regex.Match(warning, @"^The model's RMSE on the training rows (is|is at least) ([\d.e+]+) % above the smallest possible\. " +
            @"Farthest off are the weights of feature '(\w+)' \(.*?\) and feature '(\w+)' \(.*?\)\. (.*)$");
        Assert.True(match.Success, warning);
        Assert.Equal((exactly, remedy), (match.Groups[1].Value, match.Groups[5].Value));
        double excess = 100 * (model.Rmse(rows) / least - 1);
        Assert.InRange(double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture), 0.1 * excess, 1.01 * excess);
        Assert.Equal(["Copy", "First"], new[] { match.Groups[3].Value, match.Groups[4].Value }.Order());
    }

    [Fact]
    public void Fit_CorrelatedColumnsAndTimeToTrain_WarnsOfNothing()
    {
        Assert.Empty(Warnings(Correlated(), new()));
        Assert.Empty(Warnings(Correlated(), new() { EarlyStopping = new(), ValidationFraction = 0.2f }));
    }

    /// <summary>The difference of the first two columns, a hundredth of either, is a tenth of the label.</summary>
    private static Examples Correlated()
    {
        Examples rows = Some.Linear(1, 500, 4);
        for (int row = 0; row < rows.Count; row++)
        {
            float[] features = rows.Features[row];
            rows.Labels[row] = 10 * features[0] + features[1] + 2 * features[2] + 0.3f * rows.Labels[row];
            features[1] = features[0] + 0.01f * features[1];
        }
        return rows;
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

        string warning = Assert.Single(
            Warnings(rows, options), line => line.StartsWith("The model is worse than the mean of the label", StringComparison.Ordinal));

        Assert.Equal((named, !named), (warning.EndsWith($"Lower InitialWeightsStandardDeviation (now {deviation}).", StringComparison.Ordinal),
            warning.Contains("LearningRate", StringComparison.Ordinal)));
    }

    private static readonly Dictionary<string, (Func<int, Examples> Rows, string[] Says)> _beyondFloats = new()
    {
        ["columns at 1e7"] = (seed => Some.Linear(seed, 2000, [1, 1, 1, 1, 1], means: [1e7, 1e7, 1e7, 1e7, 1e7], noise: 0.1),
            ["of column 'Features', about 1e+07, is far from 0 for its spread", "others are: ", "subtract a constant from it first"]),
        ["seconds of a day"] = (seed => One(seed, x => 1.7e9f + 86_400 * x, noise: 0.003),
            ["Slot 0 of column 'Features', about 1.7000", "is far from 0 for its spread, 2.", "subtract a constant from it first"]),
        ["label of 4e6"] = (seed => Some.Linear(seed, 2000, [1, 1], noise: 0.3, labelOffset: 4e6),
            ["The label, about 4e+06, is far from 0 for its spread", "subtract a constant from it first, and add it to the scores"]),
        ["nearly equal columns"] = (seed => Nearly(seed, 1e-6),
            ["Large weights of nearly dependent features cancel", "of column 'Features': give the difference as a feature"]),
        ["columns equal as floats"] = (seed => Nearly(seed, 1e-7),
            ["The RMSE would be at least", "% lower if float columns held better", "of column 'Features'", "(DroppedDirections)"]),
    };

    public static TheoryData<string> BeyondFloats => [.. _beyondFloats.Keys];

    [Theory, MemberData(nameof(BeyondFloats))]
    public void Fit_MoreThanFloatsHold_WarnsWithTheColumnAndTheRemedy(string form)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            string warning = Assert.Single(Warnings(_beyondFloats[form].Rows(seed), new()));

            Assert.All(_beyondFloats[form].Says, words => Assert.Contains(words, warning, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Theory]
    [InlineData("levels")]
    [InlineData("total")]
    [InlineData("copy")]
    [InlineData("far, without noise")]
    [InlineData("a few hundred deviations from 0")]
    public void Fit_WhatFloatsHold_WarnsOfNothing(string form)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            Examples linear = Some.Linear(seed, 900, 3, noise: form.EndsWith("noise", StringComparison.Ordinal) ? 0 : 0.3);
            Assert.Empty(Warnings(form switch
            {
                "levels" => Some.Levels(seed, 900, 2, 6, 0.3),
                "total" => With(linear, row => row[0] + row[1] + row[2]),
                "copy" => With(linear, row => row[0]),
                "far, without noise" => new([.. linear.Features.Select(row => row.Select(x => 20 + x).ToArray())], linear.Labels),
                _ => Some.Linear(seed, 900, [1, 2, 3], means: [300, -500, 900]),
            }, new()));
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Fit_TimesThatAreOneFloat_WarnsWithTheColumn(int columns, bool another)
    {
        // One a second; floats there are 128 apart.
        double[] times = [.. Enumerable.Range(0, 24).Select(second => 1_700_000_000.0 + second)];
        float[] other = Some.Normals(1, times.Length);
        var rows = new Examples([.. times.Select((time, row) => columns == 1 ? new[] { (float)time } : [(float)time, other[row]])],
            [.. times.Select(time => (float)(time - times[0]))]);

        string warning = Assert.Single(Warnings(rows, new()));

        Assert.Contains("lot 0 of column 'Features' is 1.7e+09 in every row", warning, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Float has no numbers there that are less than 128 apart", warning, StringComparison.Ordinal);
        Assert.Equal(!another, warning.Contains("No feature varies", StringComparison.Ordinal));
    }

    [Fact]
    public void Fit_OrdinaryConstantBesideOthers_WarnsOfNothing() => Assert.Empty(Warnings(With(Some.Linear(1, 300, 3), _ => 7), new()));

    private static Examples One(int seed, Func<float, float> feature, double noise)
    {
        var random = new Random(seed);
        double[] x = [.. Enumerable.Range(0, 2000).Select(_ => random.NextDouble())];
        return new([.. x.Select(at => new[] { feature((float)at) })], [.. x.Select(at => (float)(3 * at + noise * Some.Normal(random)))]);
    }

    private static Examples Nearly(int seed, double difference)
    {
        var random = new Random(seed);
        float[][] rows = [.. Enumerable.Range(0, 2000).Select(_ => Some.Normal(random))
            .Select(x => new[] { (float)x, (float)(x + difference * Some.Normal(random)) })];
        return new(rows, [.. rows.Select(row => (float)(((double)row[1] - row[0]) / difference + 0.1 * Some.Normal(random)))]);
    }

    private static Examples With(Examples rows, Func<float[], float> column) =>
        new([.. rows.Features.Select(row => row.Append(column(row)).ToArray())], rows.Labels);

    [Fact]
    public void Fit_OneHeavyRowInTenThousand_WarnsThatTheyDecide()
    {
        Examples rows = Some.Linear(1, 300_000, 2);
        rows = new Examples(rows.Features, rows.Labels, [.. Enumerable.Range(0, rows.Count).Select(row => row % 10_000 == 0 ? 1e6f : 1)]);

        string warning = Assert.Single(Warnings(rows, new() { ExampleWeightColumnName = nameof(Example.Weight) }));

        Assert.Contains("the 300000 training rows count as 30.6: the largest is 1e+06", warning, StringComparison.Ordinal);
    }

    private string[] Warnings(Examples rows, Options options)
    {
        var log = new LogCollector(_ml);
        _ml.Regression.Trainers.RmsProp(options).Fit(rows.View(_ml));
        return [.. log.Messages(ChannelMessageKind.Warning)];
    }
}
