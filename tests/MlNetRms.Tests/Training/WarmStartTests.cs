using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

public sealed class WarmStartTests
{
    private readonly MLContext _ml = new(1);
    private readonly Examples _rows = Some.Linear(1, 300, [1, 10, 0.1], means: [5, 0, 1], labelOffset: 50, labelScale: 4);

    /// <summary>One step over all rows; its loss is that of the initial weights.</summary>
    private static Options OneStep(Examples rows, bool standardize = true, bool? decorrelate = null) => new()
    {
        Standardize = standardize,
        Decorrelate = decorrelate,
        BatchSize = rows.Count,
        NumberOfEpochs = 1,
        LearningRate = 1e-7f,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_WeightsOfLeastSquaresAndATinyRate_StaysAtThem(bool standardize)
    {
        RmsPropRegressionTransformer best = _rows.Fit();

        RmsPropRegressionTransformer model = Trainer(OneStep(_rows, standardize)).Fit(_rows.View(_ml), best.Model);

        Models.AssertClose(best.Parameters(), model.Parameters(), 1e-5);        // converted to standardised units and back, in float
        double half = 0.5 * Math.Pow(best.Rmse(_rows), 2);
        Assert.Equal(half, model.Training.Epochs[0].Loss, 1e-4 * half);
        Assert.True(Trainer(OneStep(_rows, standardize)).Fit(_rows.View(_ml)).Training.Epochs[0].Loss > 2 * half);        // from zero
    }

    [Fact]
    public void Fit_AnyWeights_TakesItsFirstStepFromThem()
    {
        // One full batch with bias correction and not centered: ŝ = g², so w ← w − η·g / (|g| + ε).
        var start = new float[] { 0.5f, -2, 3, 7 };
        var options = new Options
        {
            Standardize = false,
            BatchSize = 1000,
            NumberOfEpochs = 1,
            LearningRate = 0.25f,
            Epsilon = 0.01f,
            LearningRateSchedule = LearningRateSchedule.Constant
        };
        var gradient = new double[4];
        for (int row = 0; row < _rows.Count; row++)
        {
            double residual = start[3] - _rows.Labels[row] + _rows.Features[row].Zip(start, (x, w) => (double)x * w).Sum();
            for (int i = 0; i < 4; i++)
                gradient[i] += residual * (i < 3 ? _rows.Features[row][i] : 1) / _rows.Count;
        }

        float[] actual = Trainer(options).Fit(_rows.View(_ml), NewModel(start[..3], start[3])).Parameters();

        for (int i = 0; i < 4; i++)
            Assert.Equal(start[i] - 0.25 * gradient[i] / (Math.Abs(gradient[i]) + 0.01), actual[i], 1e-5);
    }

    [Fact]
    public void Fit_ModelsOfMlNetsOwnTrainers_StartsWithTheirLoss()
    {
        LinearModelParameters[] models =
        [
            _ml.Regression.Trainers.Sdca(maximumNumberOfIterations: 3).Fit(_rows.View(_ml)).Model,
            _ml.Regression.Trainers.OnlineGradientDescent(learningRate: 1e-4f).Fit(_rows.View(_ml)).Model,
        ];
        foreach (LinearModelParameters model in models)
        {
            double expected = Enumerable.Range(0, _rows.Count).Average(row =>
                0.5 * Math.Pow(model.Bias - _rows.Labels[row] + _rows.Features[row].Zip(model.Weights, (x, w) => (double)x * w).Sum(), 2));

            Assert.Equal(expected, Trainer(OneStep(_rows)).Fit(_rows.View(_ml), model).Training.Epochs[0].Loss, 1e-4 * expected);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_CorrelatedColumns_StartsWithTheModelsLossInAnyCoordinates(bool decorrelate)
    {
        // Two nearly equal columns, a copy of one, and a constant one: some directions have little variance, and some are dropped.
        var rows = new Examples([.. _rows.Features.Select(row => new[] { row[0], row[0] + 0.01f * row[2], row[1], row[1], 7 })], _rows.Labels);
        float[] start = [1.5f, -1, 0.2f, -0.1f, 0, 40];
        double expected = Enumerable.Range(0, rows.Count).Average(row =>
            0.5 * Math.Pow(start[5] - rows.Labels[row] + rows.Features[row].Zip(start, (x, w) => (double)x * w).Sum(), 2));

        RmsPropRegressionTransformer model = Trainer(OneStep(rows, decorrelate: decorrelate)).Fit(rows.View(_ml), NewModel(start[..5], start[5]));

        Assert.Equal(expected, model.Training.Epochs[0].Loss, 1e-4 * expected);
        Assert.Equal(expected, 0.5 * Math.Pow(model.Rmse(rows), 2) + OffsetLoss(), 1e-4 * expected);

        // The returned bias is the one with a mean residual of 0.
        double OffsetLoss() => 0.5 * Math.Pow(Enumerable.Range(0, rows.Count).Average(row =>
            start[5] - rows.Labels[row] + rows.Features[row].Zip(start, (x, w) => (double)x * w).Sum()), 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_SparseColumns_StartsWithTheModelsLoss(bool decorrelate)
    {
        Examples rows = Some.MostlyZero(1, 700, 2, 330, 3);
        RmsPropRegressionTransformer first = rows.Fit(new() { NumberOfEpochs = 20 });
        double expected = 0.5 * Math.Pow(first.Rmse(rows), 2);

        Assert.Equal(expected, Trainer(OneStep(rows, decorrelate: decorrelate)).Fit(rows.View(_ml), first.Model).Training.Epochs[0].Loss,
            1e-4 * expected);
    }

    [Fact]
    public void Fit_ValidationRowsAndModel_IsThatOfEachAlone()
    {
        LinearRegressionModelParameters model = NewModel([0.5f, -1, 2], 3);
        IDataView view = _rows.View(_ml);
        IDataView validation = Some.Linear(2, 40, 3).View(_ml);
        // With the squared loss, the returned bias depends on the weights, not on the given bias.
        var options = new Options
        {
            NumberOfEpochs = 1,
            LearningRateSchedule = LearningRateSchedule.Custom("still", (_, _) => 0),
            LossFunction = new AbsoluteLoss()
        };

        TrainingReport both = Trainer(options).Fit(view, validation, model).Training;

        Assert.Equal(Trainer(options).Fit(view, model).Training.Epochs[0].Loss, both.Epochs[0].Loss);
        Assert.Equal(40, both.ValidationRows);
        var given = MlNetInternals.RegressionTransformer<LinearRegressionModelParameters>.New(_ml, model, view.Schema, "Features");
        double error = _ml.Regression.Evaluate(given.Transform(validation)).MeanAbsoluteError;
        Assert.Equal(error, both.Epochs[0].ValidationLoss!.Value, 1e-5 * error);
    }

    [Fact]
    public void Fit_ModelOfAnotherLength_ThrowsWithBothLengths()
    {
        var exception = Assert.Throws<ArgumentException>(() => Trainer(new()).Fit(_rows.View(_ml), NewModel([1, 2], 0)));

        Assert.Equal("modelParameters", exception.ParamName);
        Assert.Contains("has 2 weights, but feature column 'Features' has 3 features", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_NoModelToStartFrom_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(_rows.View(_ml), (LinearModelParameters)null!));
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(_rows.View(_ml), (RmsPropRegressionTransformer)null!));
        Assert.Throws<ArgumentNullException>(() => Trainer(new()).Fit(null!, NewModel([1, 2, 3], 0)));
    }

    private RmsPropRegressionTrainer Trainer(Options options) => _ml.Regression.Trainers.RmsProp(options);

    private LinearRegressionModelParameters NewModel(float[] weights, float bias) => MlNetInternals.NewLinearModel(_ml, weights, bias);
}
