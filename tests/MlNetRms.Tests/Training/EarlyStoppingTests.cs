using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Few rows with many columns, on which the validation loss first falls and then rises.</summary>
public sealed class EarlyStoppingTests
{
    private const int Epochs = 600;

    /// <summary>Epochs that make a hundred steps, at two steps per epoch: the unit of patience.</summary>
    private const int Period = 50;

    private static readonly Examples _all = Some.Linear(1, 300, 25, noise: 3);
    private static readonly Examples _train = _all.Take(Enumerable.Range(0, 35));
    private static readonly Examples _validation = _all.Take(Enumerable.Range(35, 265));
    private static readonly double[] _losses = Losses(Fit(null).Training);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(5, 0)]
    [InlineData(1, 0.02f)]
    [InlineData(3, 0.02f)]
    [InlineData(2, 0.3f)]
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

        Assert.InRange(best, 5, Epochs - 5 * Period);        // otherwise the tests above would show nothing
        Assert.NotEqual(Expected(1, 0), Expected(1, 0.02f));
    }

    [Fact]
    public void Fit_ValidationFraction_StopsToo()
    {
        RmsPropRegressionTransformer model = _train.Fit(Form(new() { Patience = 2, MinimumImprovement = 0.05f }, validationFraction: 0.4f));

        double[] losses = Losses(model.Training);
        Assert.Equal(StopReason.NoImprovement, model.Training.StopReason);
        Assert.Equal(1, model.Training.StepsPerEpoch);
        Assert.Equal(model.Training.ReturnedEpoch + 200, losses.Length);
    }

    [Fact]
    public void Fit_NoValidationRows_ThrowsBeforeReadingAndNamesTheOption()
    {
        var ml = new MLContext(1);
        IDataView unreadable = Examples.View(ml, Unreadable(), 3);

        var exception = Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp(new Options { EarlyStopping = new() })
            .Fit(unreadable));

        Assert.Contains("EarlyStopping needs validation rows", exception.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Options.ValidationFraction), exception.Message, StringComparison.Ordinal);

        static IEnumerable<Example> Unreadable()
        {
            yield return new Example();
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

    public static TheoryData<string, int> LossesAndPatience => new()
    {
        { "squared", 1 },
        { "squared", 5 },
        { "Huber", 1 },
        { "Huber", 5 },
        { "absolute", 1 },
        { "absolute", 5 },
    };

    [Theory, MemberData(nameof(LossesAndPatience))]
    public void Fit_DefaultOptions_PredictsAsWellAsTheWholeTraining(string loss, int patience)
    {
        foreach (int seed in new[] { 1, 2, 3 })
        {
            Examples all = Some.Linear(seed, 3000, 10, noise: 0.2);
            Examples test = all.Take(Enumerable.Range(1000, 2000));
            RmsPropRegressionTransformer Train(EarlyStopping? stopping) => all.Take(Enumerable.Range(0, 1000)).Fit(new()
            {
                EarlyStopping = stopping,
                ValidationFraction = 0.2f,
                Seed = 0,
                LossFunction = loss == "Huber" ? new HuberLoss(1) : loss == "absolute" ? new AbsoluteLoss() : null,
            });
            RmsPropRegressionTransformer stopped = Train(new() { Patience = patience });

            Assert.Equal(StopReason.NoImprovement, stopped.Training.StopReason);
            Assert.InRange(stopped.Rmse(test), 0, 1.02 * Train(null).Rmse(test));
        }
    }

    [Theory]
    [InlineData(1, 51, null)]        // patience can run out with the last epoch
    [InlineData(1, 50, "Patience 1 is 50 epochs of 2 steps, and 50 are planned.")]
    [InlineData(3, 151, null)]
    [InlineData(3, 2, "Patience 3 is 150 epochs of 2 steps, and 2 are planned.")]
    [InlineData(int.MaxValue, 2, "Patience 2147483647 is 107374182350 epochs of 2 steps, and 2 are planned.")]
    public void Fit_PatienceThatThePlannedEpochsCannotReach_WarnsBeforeTheFirstEpoch(int patience, int epochs, string? expected)
    {
        var ml = new MLContext(1);
        var log = new LogCollector(ml);
        IReadOnlyList<string>? before = null;
        Options options = Form(new() { Patience = patience });
        options.NumberOfEpochs = epochs;
        options.EpochCompleted = _ => before ??= Warnings();

        ml.Regression.Trainers.RmsProp(options).Fit(_train.View(ml), _validation.View(ml));

        Assert.Equal(before, Warnings());
        Assert.Equal(expected is null ? []
            : [$"Early stopping chooses the best epoch but cannot end this training: {expected} Lower Patience or raise NumberOfEpochs."],
            before!);

        IReadOnlyList<string> Warnings() =>
            [.. log.Messages(Microsoft.ML.Runtime.ChannelMessageKind.Warning)
                .Where(line => line.StartsWith("Early stopping", StringComparison.Ordinal))];
    }

    [Fact]
    public void Fit_CallbackStopsBetweenBestAndLast_ReturnsTheBest()
    {
        (int best, int last) = Expected(3, 0);
        Options options = Form(new() { Patience = 3 });
        options.EpochCompleted = progress =>
        {
            if (progress.Report.Epoch == best + 3)
                progress.Stop();
        };

        RmsPropRegressionTransformer model = Train(options);

        Assert.True(best + 3 < last);
        Assert.Equal((StopReason.StoppedByCallback, best, best + 3),
            (model.Training.StopReason, model.Training.ReturnedEpoch, model.Training.Epochs.Count));
        Assert.Equal(Fit(null, best).Parameters(), model.Parameters());
    }

    public static TheoryData<string> Kinds => ["dense", "dense, averaged", "decorrelated", "decorrelated, averaged", "sparse", "sparse, penalty",
        "sparse, all weights", "lasso", "sparse lasso", "lasso of another loss", "absolute loss", "non-negative"];

    [Theory, MemberData(nameof(Kinds))]
    public void Fit_ReturnedEpoch_HasTheValidationLossOfTheReturnedModel(string kind)
    {
        bool isSparse = kind.StartsWith("sparse", StringComparison.Ordinal);
        Examples all = isSparse ? Some.MostlyZero(1, 400, 2, 90, 3, noise: 3) : _all;
        (Examples train, Examples validation) = (all.Take(Enumerable.Range(0, isSparse ? 200 : 60)), all.Take(Enumerable.Range(200, 100)));
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
        double expected = scores.Zip(validation.Labels, (score, y) => options.LossFunction?.Loss(score, y) ?? 0.5 * Math.Pow((double)score - y, 2))
            .Average();
        double reported = model.Training.Epochs.Single(epoch => epoch.Epoch == model.Training.ReturnedEpoch).ValidationLoss!.Value;
        Assert.Equal(expected, reported, 2e-5 * expected);        // sums of floats
        Assert.Equal(reported, Losses(model.Training).Min());
        if (options.L1Regularization > 0 || options.NonNegativeWeights)
            Assert.Contains(0f, model.Model.Weights);
        Assert.Equal(isSparse ? train.OccurringColumns - 2 : 0, model.Training.SparseFeatures);
    }

    /// <summary>The rule in plain code: the best epoch, and the last one trained.</summary>
    private static (int Best, int Last) Expected(int patience, float improvement)
    {
        int best = 1;
        for (int epoch = 2; epoch <= Epochs; epoch++)
        {
            if (_losses[epoch - 1] < _losses[best - 1] * (1 - improvement))
                best = epoch;
            else if (epoch - best == patience * Period)
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
        LearningRate = 0.03f * MathF.Sqrt(5),        // the trainer divides it by √(25 / 5) for rows of 25 columns
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
