using Microsoft.ML.Trainers;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Trainings with custom losses, compared with independent solutions.</summary>
public sealed class LossesTests
{
    /// <summary>The noise of mini-batches, averaged over the last steps: a few thousandths of the weights' standard errors.</summary>
    private const double Stochastic = 2e-3;

    private static readonly Examples _outliers = WithOutliers();

    [Theory]
    [InlineData(0.5f)]
    [InlineData(2)]
    public void Fit_HuberLoss_IsTheSolutionOfReweightedLeastSquares(float delta) =>
        AssertSolution(new HuberLoss(delta), r => Math.Min(1, delta / Math.Abs(r)));

    [Theory]
    [InlineData(0.5f)]
    [InlineData(2)]
    public void Fit_LogCoshLoss_IsTheSolutionOfReweightedLeastSquares(float scale) =>
        AssertSolution(new LogCoshLoss(scale), r => Math.Abs(r) < 1e-8 ? 1 : scale * Math.Tanh(r / scale) / r);

    [Fact]
    public void Fit_LossOfAUser_IsTheSolutionOfReweightedLeastSquares()
    {
        // Expectiles: squares that count three times if the prediction is too low.
        var expectile = new LossOf((output, label) => (output < label ? 1.5 : 0.5) * Math.Pow(output - label, 2),
            (output, label) => (output < label ? 3 : 1) * (output - label));

        AssertSolution(expectile, r => r < 0 ? 3 : 1, Some.Linear(1, 400, [1, 1, 1], means: [1, 0, -1], noise: 1));
    }

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.5f)]
    [InlineData(0.9f)]
    public void Fit_QuantileLossOfAConstantFeature_IsTheEmpiricalQuantile(float quantile)
    {
        Examples rows = Skewed();

        float bias = rows.Fit(new() { LossFunction = new QuantileLoss(quantile) }).Model.Bias;

        double below = rows.Labels.Count(y => y <= bias) / (double)rows.Count;
        Assert.InRange(below, quantile - 0.01, quantile + 0.01);        // ten labels of a thousand
    }

    [Fact]
    public void Fit_AbsoluteLossOfAConstantFeature_IsTheMedianAndNotTheMean()
    {
        Examples rows = Skewed();
        float[] sorted = [.. rows.Labels.Order()];

        float bias = rows.Fit(new() { LossFunction = new AbsoluteLoss() }).Model.Bias;

        Assert.InRange(bias, sorted[490], sorted[510]);
        Assert.True(rows.Labels.Average() > sorted[560]);
    }

    [Theory]
    [InlineData(0.2f)]
    [InlineData(0.8f)]
    public void Fit_QuantileLoss_LeavesThatShareOfLabelsBelowWhateverTheFeatures(float quantile)
    {
        Examples rows = Some.Linear(2, 1000, [1, 10, 0.1], means: [3, 0, 1], noise: 1);

        RmsPropRegressionTransformer model = rows.Fit(new() { LossFunction = new QuantileLoss(quantile) });

        double[] residuals = Residuals(model, rows);
        Assert.InRange(residuals.Count(r => r > 0) / 1000.0, quantile - 0.02, quantile + 0.02);
        // Optimality: the subgradients balance for each standardised column, except for those of residuals near zero.
        for (int i = 0; i < 3; i++)
        {
            double[] column = rows.Features.Select(row => (double)row[i]).ToArray();
            (double mean, double deviation) = LeastSquares.Moments(column, Enumerable.Repeat(1.0, 1000).ToArray());
            Assert.Equal(0, column.Zip(residuals, (x, r) => (r > 0 ? 1 - quantile : -quantile) * (x - mean) / deviation).Average(), 0.02);
        }
    }

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.7f)]
    public void Fit_EpsilonInsensitiveLossOfAConstantFeature_IsAsGoodAsTheBestOfAFineGrid(float epsilon)
    {
        Examples rows = Skewed();
        var loss = new EpsilonInsensitiveLoss(epsilon);
        double Total(float bias) => rows.Labels.Sum(y => loss.Loss(bias, y));
        double best = Enumerable.Range(0, 40_000).Min(i => Total(i / 4000f));

        double reached = Total(rows.Fit(new() { LossFunction = loss }).Model.Bias);

        Assert.InRange(reached, best * (1 - 1e-4), best * 1.001);
        Assert.True(Total(rows.Labels.Average()) > 1.01 * best);
    }

    [Fact]
    public void Fit_SquaredLossOfMlNet_GivesTheSameModelAndTwiceTheReportedLoss()
    {
        RmsPropRegressionTransformer ours = _outliers.Fit(new() { NumberOfEpochs = 20, ValidationFraction = 0.2f });
        RmsPropRegressionTransformer theirs =
            _outliers.Fit(new() { NumberOfEpochs = 20, ValidationFraction = 0.2f, LossFunction = new SquaredLoss() });

        Assert.Equal(ours.Parameters(), theirs.Parameters());
        for (int epoch = 0; epoch < 20; epoch++)
        {
            Assert.Equal(2 * ours.Training.Epochs[epoch].Loss, theirs.Training.Epochs[epoch].Loss, 1e-12 * ours.Training.Epochs[epoch].Loss);
            Assert.Equal(2 * ours.Training.Epochs[epoch].ValidationLoss!.Value, theirs.Training.Epochs[epoch].ValidationLoss!.Value, 1e-12);
        }
    }

    [Fact]
    public void Fit_HalfTheSquareAsALossOfAUser_IsTheDefaultToRounding()
    {
        var half = new LossOf((output, label) => 0.5 * Math.Pow(output - label, 2), (output, label) => output - label);

        RmsPropRegressionTransformer model = _outliers.Fit(new() { LossFunction = half, NumberOfEpochs = 500 });

        RmsPropRegressionTransformer expected = _outliers.Fit(new() { NumberOfEpochs = 500 });
        Models.AssertClose([.. expected.Model.Weights], [.. model.Model.Weights], 1e-4);        // predictions are rounded in label units
        Assert.Equal(expected.Training.Epochs[^1].Loss, model.Training.Epochs[^1].Loss, 1e-4 * expected.Training.Epochs[^1].Loss);
    }

    [Fact]
    public void Fit_AnyLoss_ReportsItsMeanInLabelUnits()
    {
        // One step over all rows, evaluated before it: weights and bias are 0 in standardised units, so the prediction is the mean label.
        var loss = new HuberLoss(0.8f);
        TrainingReport report = _outliers.Fit(new() { LossFunction = loss, BatchSize = 10_000, NumberOfEpochs = 1 }).Training;

        float mean = (float)_outliers.Labels.Average(y => (double)y);
        double expected = _outliers.Labels.Average(y => loss.Loss(mean, y));
        Assert.Equal(expected, report.Epochs[0].Loss, 1e-5 * expected);
    }

    [Fact]
    public void Fit_WeightOfAWholeNumber_EqualsTheRowThatManyTimes()
    {
        Examples rows = _outliers.Take(Enumerable.Range(0, 80));
        int[] times = Enumerable.Range(0, rows.Count).Select(row => 1 + row % 3).ToArray();
        var weighted = new Examples(rows.Features, rows.Labels, times.Select(count => (float)count).ToArray());
        Examples repeated = rows.Take(Enumerable.Range(0, rows.Count).SelectMany(row => Enumerable.Repeat(row, times[row])));
        var options = new Options { LossFunction = new HuberLoss(0.5f), BatchSize = 1000, NumberOfEpochs = 200 };        // full batches

        float[] expected = repeated.Fit(options).Parameters();

        options.ExampleWeightColumnName = nameof(Example.Weight);
        Models.AssertClose(expected, weighted.Fit(options).Parameters(), 5e-5);        // sums of floats in another order
    }

    [Fact]
    public void Fit_LabelsAndParameterInOtherUnits_GivesTheWeightsInThoseUnits()
    {
        const float Unit = 1e5f;
        var scaled = new Examples(_outliers.Features, _outliers.Labels.Select(y => Unit * y).ToArray());
        (IRegressionLoss One, IRegressionLoss Other)[] pairs =
        [
            (new HuberLoss(0.5f), new HuberLoss(0.5f * Unit)),
            (new LogCoshLoss(0.5f), new LogCoshLoss(0.5f * Unit)),
            (new AbsoluteLoss(), new AbsoluteLoss()),
            (new QuantileLoss(0.3f), new QuantileLoss(0.3f)),
            (new EpsilonInsensitiveLoss(0.2f), new EpsilonInsensitiveLoss(0.2f * Unit)),
        ];
        foreach ((IRegressionLoss one, IRegressionLoss other) in pairs)
        {
            // Only ε and the penalty could have a unit: without them every scale has the same minimiser.
            float[] expected = _outliers.Fit(new() { LossFunction = one, L2Regularization = 0.1f, NumberOfEpochs = 40 }).Parameters();
            float[] actual = scaled.Fit(new() { LossFunction = other, L2Regularization = 0.1f, NumberOfEpochs = 40 }).Parameters();
            // If rounding decides the sign of a residual, the subgradient differs, but by less than the noise of the steps.
            Models.AssertClose(expected, actual.Select(w => w / Unit).ToArray(), Stochastic);
        }
    }

    [Fact]
    public void RmsProp_PoissonAndTweedieLoss_AreRefusedWithTheReasonAndTheWayOut()
    {
        foreach (IRegressionLoss loss in new IRegressionLoss[] { new PoissonLoss(), new TweedieLoss() })
        {
            var exception = Assert.Throws<ArgumentException>(() => new MLContext(1).Regression.Trainers.RmsProp(new Options { LossFunction = loss }));

            Assert.Equal("options", exception.ParamName);
            Assert.StartsWith($"LossFunction {loss.GetType().Name}", exception.Message, StringComparison.Ordinal);
            Assert.Contains("LbfgsPoissonRegression", exception.Message, StringComparison.Ordinal);
        }
    }

    private static void AssertSolution(IRegressionLoss loss, Func<double, double> slopeOverResidual, Examples? data = null)
    {
        data ??= _outliers;
        foreach (bool weighted in new[] { false, true })
        {
            Examples rows = weighted ? new Examples(data.Features, data.Labels,
                Enumerable.Range(0, data.Count).Select(row => 0.5f + row % 3).ToArray()) : data;
            float[] expected = ReweightedLeastSquares.Solve(rows, slopeOverResidual);

            float[] actual = rows.Fit(new() { LossFunction = loss, ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null }).Parameters();

            Models.AssertClose(expected, actual, Stochastic);
            Assert.True(Models.Distance(ReweightedLeastSquares.Solve(rows, _ => 1), actual) > 10 * Stochastic);        // not least squares
        }
    }

    private static double[] Residuals(RmsPropRegressionTransformer model, Examples rows) =>
        model.Scores(rows.View(new MLContext(1))).Zip(rows.Labels, (score, y) => (double)score - y).ToArray();

    /// <summary>One label of ten is far too high.</summary>
    private static Examples WithOutliers()
    {
        Examples rows = Some.Linear(1, 400, [1, 1, 1], means: [1, 0, -1], noise: 0.5);
        return new Examples(rows.Features, rows.Labels.Select((y, row) => row % 10 == 0 ? y + 8 + row % 7 : y).ToArray());
    }

    /// <summary>Labels from an exponential distribution, and a feature without effect.</summary>
    private static Examples Skewed()
    {
        var random = new Random(1);
        return new Examples(Enumerable.Range(0, 1001).Select(_ => new float[] { 3 }).ToArray(),
            Enumerable.Range(0, 1001).Select(_ => (float)(1 - 1.5 * Math.Log(1 - random.NextDouble()))).ToArray());
    }
}
