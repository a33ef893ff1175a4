using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>On few rows of many columns, where the validation loss falls first and rises then.</summary>
public sealed class EarlyStoppingTests
{
    private const int Epochs = 120;
    private static readonly Rows _all = Some.Linear(1, 300, 25, noise: 3);
    private static readonly Rows _train = _all.Take(Enumerable.Range(0, 35));
    private static readonly Rows _validation = _all.Take(Enumerable.Range(35, 265));
    private static readonly double[] _losses = Losses(Fit(null).Training);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(5, 0)]
    [InlineData(20, 0)]
    [InlineData(1, 0.02f)]
    [InlineData(3, 0.02f)]
    [InlineData(10, 0.3f)]
    [InlineData(1000, 0)]        // longer than the training
    public void Fit_PatienceAndImprovement_StopsAndReturnsTheBestEpochsWeights(int patience, float improvement)
    {
        (int best, int last) = Expected(patience, improvement);

        RmsPropRegressionTransformer model = Fit(new() { Patience = patience, MinimumImprovement = improvement });

        Assert.Equal(last, model.Training.Epochs.Count);
        Assert.Equal(best, model.Training.ReturnedEpoch);
        Assert.Equal(last < Epochs ? StopReason.NoImprovement : StopReason.AllEpochsCompleted, model.Training.StopReason);
        Assert.Equal(_losses.Take(last), Losses(model.Training));
        Assert.Equal(Fit(null, best).Parameters(), model.Parameters());
        Assert.Equal(2L * Epochs, model.Training.TotalSteps);        // as planned
    }

    [Fact]
    public void Fit_ThisData_HasItsBestEpochInTheMiddle()
    {
        int best = Array.IndexOf(_losses, _losses.Min()) + 1;

        Assert.InRange(best, 5, Epochs - 30);        // or the tests above would show nothing
        Assert.NotEqual(Expected(3, 0), Expected(3, 0.02f));
    }

    [Fact]
    public void Fit_ValidationFraction_StopsToo()
    {
        RmsPropRegressionTransformer model = _train.Fit(Form(new() { Patience = 2, MinimumImprovement = 0.05f }, validationFraction: 0.4f));

        double[] losses = Losses(model.Training);
        Assert.Equal(StopReason.NoImprovement, model.Training.StopReason);
        Assert.Equal(model.Training.ReturnedEpoch + 2, losses.Length);
    }

    [Fact]
    public void Fit_NoValidationRows_ThrowsBeforeReadingAndNamesTheOption()
    {
        var ml = new MLContext(1);
        IDataView unreadable = Rows.View(ml, Unreadable(), 3);

        var exception = Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp(new Options { EarlyStopping = new() }).Fit(unreadable));

        Assert.Contains("EarlyStopping needs validation rows", exception.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Options.ValidationFraction), exception.Message, StringComparison.Ordinal);

        static IEnumerable<Row> Unreadable()
        {
            yield return new Row();
            throw new InvalidDataException("read");
        }
    }

    [Fact]
    public void Fit_ValidationFractionTakesNoRow_ThrowsInsteadOfNeverStopping()
    {
        var exception = Assert.Throws<InvalidOperationException>(() =>
            _train.Fit(new() { EarlyStopping = new(), ValidationFraction = 1e-9f }));

        Assert.Contains("EarlyStopping needs validation rows", exception.Message, StringComparison.Ordinal);
        Assert.Contains("35", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_AveragedWeights_AreEvaluatedAsSoonAsTheAverageHasBegun()
    {
        // One step an epoch, so that the weights after every step are those of a training that ends there.
        Options Length(int epochs, float averaged) => new()
        {
            Standardize = false,
            Shuffle = false,
            BatchSize = 1000,
            NumberOfEpochs = epochs,
            LearningRateSchedule = LearningRateSchedule.Constant,
            AveragedFraction = averaged,
        };
        var ml = new MLContext(1);
        float[][] after = Enumerable.Range(1, 12).Select(epochs => _train.Fit(Length(epochs, 0)).Parameters()).ToArray();

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(Length(12, 0.5f)).Fit(_train.View(ml), _validation.View(ml));

        for (int epoch = 1; epoch <= 12; epoch++)
        {
            int first = Math.Min(epoch, 7);        // the second half of twelve steps
            float[] evaluated = Enumerable.Range(0, 26).Select(i => after[(first - 1)..epoch].Average(w => w[i])).ToArray();
            double expected = Enumerable.Range(0, _validation.Count).Average(row =>
                0.5 * Math.Pow(evaluated[25] - _validation.Labels[row] + _validation.Features[row].Zip(evaluated, (x, w) => (double)x * w).Sum(), 2));
            Assert.Equal(expected, model.Training.Epochs[epoch - 1].ValidationLoss!.Value, 2e-5 * expected);        // sums of floats
        }
    }

    [Fact]
    public void Fit_CallbackStopsBetweenBestAndLast_ReturnsTheBest()
    {
        (int best, int last) = Expected(20, 0);
        Options options = Form(new() { Patience = 20 });
        options.EpochCompleted = progress =>
        {
            if (progress.Report.Epoch == best + 3)
                progress.Stop();
        };

        RmsPropRegressionTransformer model = Train(options);

        Assert.True(best + 3 < last);
        Assert.Equal((StopReason.StoppedByCallback, best, best + 3), (model.Training.StopReason, model.Training.ReturnedEpoch, model.Training.Epochs.Count));
        Assert.Equal(Fit(null, best).Parameters(), model.Parameters());
    }

    public static TheoryData<string> Kinds => ["dense", "dense, averaged", "decorrelated", "decorrelated, averaged", "sparse", "sparse, penalty", "sparse, all weights", "lasso", "sparse lasso", "lasso of another loss", "absolute loss", "non-negative"];

    [Theory, MemberData(nameof(Kinds))]
    public void Fit_ReturnedEpoch_HasTheValidationLossOfTheReturnedModel(string kind)
    {
        bool isSparse = kind.StartsWith("sparse", StringComparison.Ordinal);
        Rows all = isSparse ? Some.MostlyZero(1, 400, 2, 90, 3, noise: 3) : _all;
        (Rows train, Rows validation) = (all.Take(Enumerable.Range(0, isSparse ? 200 : 60)), all.Take(Enumerable.Range(200, 100)));
        var options = new Options
        {
            EarlyStopping = new() { Patience = 5 },
            BatchSize = 20,
            NumberOfEpochs = 60,
            AveragedFraction = kind is "dense" or "decorrelated" ? 0 : 0.5f,
            L1Regularization = kind.Contains("lasso", StringComparison.Ordinal) ? 0.08f : 0,
            L2Regularization = kind is "sparse, all weights" or "sparse, penalty" ? 0.01f : 0,
            GradientClippingNorm = kind == "sparse, all weights" ? 1e18f : null,
            Decorrelate = kind.StartsWith("decorrelated", StringComparison.Ordinal),
            NonNegativeWeights = kind == "non-negative",
            LossFunction = kind == "lasso of another loss" ? new HuberLoss(1) : kind == "absolute loss" ? new AbsoluteLoss() : null,
        };
        var ml = new MLContext(1);

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(options).Fit(train.View(ml), validation.View(ml));

        float[] scores = model.Scores(validation.View(ml));
        double expected = scores.Zip(validation.Labels, (score, y) => options.LossFunction?.Loss(score, y) ?? 0.5 * Math.Pow((double)score - y, 2)).Average();
        double reported = model.Training.Epochs.Single(epoch => epoch.Epoch == model.Training.ReturnedEpoch).ValidationLoss!.Value;
        Assert.Equal(expected, reported, 2e-5 * expected);        // sums of floats
        Assert.Equal(reported, Losses(model.Training).Min());
        if (options.L1Regularization > 0 || options.NonNegativeWeights)
            Assert.Contains(0f, model.Model.Weights);
        Assert.Equal(isSparse ? 90 : 0, model.Training.SparseFeatures);
    }

    /// <summary>The rule in plain words: the best epoch, and the last one trained.</summary>
    private static (int Best, int Last) Expected(int patience, float improvement)
    {
        int best = 1;
        for (int epoch = 2; epoch <= Epochs; epoch++)
        {
            if (_losses[epoch - 1] < _losses[best - 1] * (1 - improvement))
                best = epoch;
            else if (epoch - best == patience)
                return (best, epoch);
        }
        return (best, Epochs);
    }

    private static RmsPropRegressionTransformer Fit(EarlyStopping? stopping, int epochs = Epochs)
    {
        Options options = Form(stopping);
        options.NumberOfEpochs = epochs;
        return Train(options);
    }

    private static RmsPropRegressionTransformer Train(Options options)
    {
        var ml = new MLContext(1);
        return ml.Regression.Trainers.RmsProp(options).Fit(_train.View(ml), _validation.View(ml));
    }

    private static Options Form(EarlyStopping? stopping, float validationFraction = 0) => new()
    {
        Decorrelate = false,
        L2Regularization = 0,
        LearningRate = 0.03f * MathF.Sqrt(5),        // for rows of 25 columns divided by the root of 25 / 5
        Epsilon = 0.01f,
        BatchSize = 20,
        NumberOfEpochs = Epochs,
        LearningRateSchedule = LearningRateSchedule.Constant,
        AveragedFraction = 0,
        EarlyStopping = stopping,
        ValidationFraction = validationFraction,
    };

    private static double[] Losses(TrainingReport report) => report.Epochs.Select(epoch => epoch.ValidationLoss!.Value).ToArray();
}
