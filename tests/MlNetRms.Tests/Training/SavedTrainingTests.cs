using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;
using TrainingRows = MlNetRms.Rows.TrainingRows;

namespace MlNetRms.Tests.Training;

/// <summary>A training whose state is saved after any epoch and restored in a new run ends with the bits of an uninterrupted one.</summary>
public sealed class SavedTrainingTests
{
    private static readonly Examples _dense = TrainingForms.Dense;
    private static readonly Examples _sparse = TrainingForms.Sparse;

    public static TheoryData<string> Forms => [.. TrainingForms.All.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Resume_AfterAnyEpoch_EndsWithTheBitsOfTheUnbrokenTraining(string form)
    {
        (Examples rows, Func<Options> make) = TrainingForms.All[form];
        Options options = TrainingForms.Short(make());
        TrainingSettings settings = options.ToSettings();
        using TrainingRows read = Stored.Read(rows, options);
        var states = new List<TrainingState>();
        using var whole = new TrainingRun(read, settings, start: default, CancellationToken.None);
        FitResult expected = whole.Run(_ =>
        {
            states.Add(whole.Save());
            return true;
        });
        Assert.Equal(expected.State.Epoch, states.Count);
        Assert.Equal(options.EarlyStopping is not null, expected.StopReason == StopReason.NoImprovement);

        // After its last epoch a training has ended, so there is nothing to resume.
        foreach (TrainingState state in states.SkipLast(1))
        {
            using var resumed = new TrainingRun(read, settings, start: default, CancellationToken.None);
            resumed.Resume(state);

            FitResult actual = resumed.Run(_ => true);

            Assert.Equal(expected.Weights, actual.Weights);
            Assert.Equal((expected.StopReason, expected.ReturnedEpoch), (actual.StopReason, actual.ReturnedEpoch));
            AssertSame(expected.State, actual.State);
            Assert.Equal(whole.History.Reports.Select(Plain), resumed.History.Reports.Select(Plain));
            Assert.Equal(resumed.History.Reports.Select(report => report.Elapsed).Order(), resumed.History.Reports.Select(report => report.Elapsed));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Resume_AfterTheLastEpoch_IsTheResultWithoutAnotherStep(string form)
    {
        (Examples rows, Func<Options> make) = TrainingForms.All[form];
        Options options = TrainingForms.Short(make());
        TrainingSettings settings = options.ToSettings();
        using TrainingRows read = Stored.Read(rows, options);
        using var whole = new TrainingRun(read, settings, start: default, CancellationToken.None);
        FitResult expected = whole.Run(_ => true);
        using var resumed = new TrainingRun(read, settings, start: default, CancellationToken.None);
        resumed.Resume(expected.State);

        FitResult actual = resumed.Run(_ => true);

        Assert.Equal(expected.Weights, actual.Weights);
        Assert.Equal((expected.StopReason, expected.ReturnedEpoch), (actual.StopReason, actual.ReturnedEpoch));
        AssertSame(expected.State, actual.State);
    }

    [Fact]
    public void Resume_OfATrainingThatContinuesAnother_EndsWithTheBitsOfTheUnbrokenTraining()
    {
        foreach ((Examples rows, bool decorrelate) in new[] { (_dense, false), (_sparse, false), (_dense, true), (_sparse, true) })
        {
            Options options = TrainingForms.Short(new()
            {
                Decorrelate = decorrelate,
                LearningRateSchedule = LearningRateSchedule.Constant,
                AveragedFraction = 0.5f
            });
            TrainingSettings settings = options.ToSettings();
            using TrainingRows read = Stored.Read(rows, options);
            using var first = new TrainingRun(read, settings, start: default, CancellationToken.None);
            var start = new TrainingStart(Model: null, first.Run(_ => true).State);
            var states = new List<TrainingState>();
            using var second = new TrainingRun(read, settings, start, CancellationToken.None);
            FitResult expected = second.Run(_ =>
            {
                states.Add(second.Save());
                return true;
            });
            foreach (TrainingState state in states)
            {
                using var resumed = new TrainingRun(read, settings, start, CancellationToken.None);
                resumed.Resume(state);

                FitResult actual = resumed.Run(_ => true);

                Assert.Equal(expected.Weights, actual.Weights);
                AssertSame(expected.State, actual.State);
            }
        }
    }

    [Fact]
    public void Save_State_IsNotChangedByTheTrainingThatContinues()
    {
        Options options = TrainingForms.Short(new() { Momentum = 0.5f });
        using TrainingRows read = Stored.Read(_dense, options);
        using var run = new TrainingRun(read, options.ToSettings(), start: default, CancellationToken.None);
        TrainingState? saved = null;
        float[] values = [];
        float[] meanSquares = [];
        double[] sums = [];
        run.Run(_ =>
        {
            if (saved is not null)
                return true;
            saved = run.Save();
            (values, meanSquares, sums) = ([.. saved.Parameters.Values], [.. saved.Parameters.Rule["MeanSquare"]], [.. saved.Parameters.AverageSums]);
            return true;
        });

        Assert.Equal(values, saved!.Parameters.Values);
        Assert.Equal(meanSquares, saved.Parameters.Rule["MeanSquare"]);
        Assert.Equal(sums, saved.Parameters.AverageSums);
        Assert.Equal(1, saved.Epoch);
        Assert.Single(saved.Reports);
    }

    internal static void AssertSame(TrainingState expected, TrainingState actual)
    {
        Assert.Equal(expected.Meaning, actual.Meaning);
        Assert.Equal((expected.Plan, expected.EpochsBefore, expected.StepsBefore, expected.Epoch),
            (actual.Plan, actual.EpochsBefore, actual.StepsBefore, actual.Epoch));
        RoundState round = expected.Round;
        Assert.Equal(round with { Best = null }, actual.Round with { Best = null });
        Assert.Equal(round.Best?.Epoch, actual.Round.Best?.Epoch);
        Assert.Equal(round.Best?.Weights, actual.Round.Best?.Weights);
        Assert.Equal(Measured(round.Best), Measured(actual.Round.Best));
        Assert.Equal(round.Best?.Gap.Step, actual.Round.Best?.Gap.Step);
        Assert.Equal(round.Best?.Gap.Gradient, actual.Round.Best?.Gap.Gradient);
        Assert.Equal((expected.Best?.Epoch, expected.Best?.Loss), (actual.Best?.Epoch, actual.Best?.Loss));
        Assert.Equal(expected.Best?.Weights, actual.Best?.Weights);
        ParameterState parameters = expected.Parameters;
        Assert.Equal(parameters.Values, actual.Parameters.Values);
        Assert.Equal(parameters.Rule.Keys.Order(), actual.Parameters.Rule.Keys.Order());
        Assert.All(parameters.Rule.Keys, name => Assert.Equal(parameters.Rule[name], actual.Parameters.Rule[name]));
        Assert.Equal((parameters.StepCount, parameters.FirstAveragedStep, parameters.LearningRate),
            (actual.Parameters.StepCount, actual.Parameters.FirstAveragedStep, actual.Parameters.LearningRate));
        Assert.Equal(parameters.LastSteps, actual.Parameters.LastSteps);
        Assert.Equal(parameters.AverageSums, actual.Parameters.AverageSums);
        Assert.Equal(parameters.EarlierCount, actual.Parameters.EarlierCount);
        Assert.Equal(parameters.EarlierSums, actual.Parameters.EarlierSums);
    }

    /// <summary>Without the arrays, of which a record compares the references.</summary>
    private static Gap? Measured(BestRound? best) => best is null ? null : best.Gap with { Step = null, Gradient = null };

    /// <summary>A report without its times.</summary>
    internal static EpochReport Plain(EpochReport report) => report with { Elapsed = default, RowsPerSecond = 0 };
}
