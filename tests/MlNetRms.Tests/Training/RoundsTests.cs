using Microsoft.ML.Runtime;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Checkpoints;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;
using TrainingRows = MlNetRms.Rows.TrainingRows;

namespace MlNetRms.Tests.Training;

/// <summary>Trainings of several rounds: they end near the optimum, say how near, and have the bits of one without a break.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class RoundsTests : IDisposable
{
    private static readonly Dictionary<string, (Examples Rows, Func<Options> Options)> _forms = new()
    {
        // Too many columns to whiten from the start.
        ["all columns whitened later"] = (Some.SparseGroups(1, 1000, 33, 10, own: 0.1), () => new() { BatchSize = 32, Tolerance = 1e-6f }),
        ["all columns whitened later, weighted rows in order"] = (Weighted(Some.SparseGroups(2, 1000, 33, 10, own: 0.1)),
            () => new() { BatchSize = 32, Shuffle = false, Tolerance = 1e-6f, ExampleWeightColumnName = nameof(Example.Weight) }),
        ["dense columns whitened later"] = (Some.Pairs(1, 1200, 260, difference: 0.01), () => new() { BatchSize = 64 }),
        ["rows of high leverage"] = (Some.LogNormal(1, 1000, 10, sigma: 3), () => new() { BatchSize = 32, Tolerance = 1e-8f }),
        ["rows of high leverage, weighted"] = (Some.LogNormal(2, 1000, 10, sigma: 2.5, weighted: true),
            () => new() { BatchSize = 32, Tolerance = 1e-8f, ExampleWeightColumnName = nameof(Example.Weight) }),
        ["rows of high leverage among sparse ones"] = (Rare(), () => new() { BatchSize = 32, Tolerance = 1e-8f, Decorrelate = false }),
        ["whitened"] = (Some.Linear(1, 500, 6), () => new() { BatchSize = 32, Tolerance = 1e-9f }),
        ["whitened, momentum, centered"] = (Some.Linear(1, 500, 6),
            () => new() { BatchSize = 32, Tolerance = 1e-9f, Momentum = 0.5f, Centered = true, LearningRate = 0.01f }),
        ["own coordinates"] = (Some.Pairs(2, 400, 2, difference: 0.1), () => new() { BatchSize = 100, Decorrelate = false, Tolerance = 1e-9f }),
        ["lazy weights"] = (Some.SparseGroups(3, 700, 8, 10, own: 1), () => new() { BatchSize = 64, Decorrelate = false, Tolerance = 1e-9f }),
        ["Huber loss"] = (Some.Linear(3, 400, 4, noise: 1), () => new() { BatchSize = 100, LossFunction = new HuberLoss(0.5f), Tolerance = 1e-9f }),
        ["validation rows"] = (Some.Linear(4, 500, 6), () => new() { BatchSize = 32, ValidationFraction = 0.2f, Tolerance = 1e-9f }),
        ["penalty"] = (Some.Linear(5, 500, 6), () => new() { BatchSize = 32, L2Regularization = 0.1f, Tolerance = 1e-9f }),
        ["lasso"] = (Some.Linear(6, 400, 6), () => new() { BatchSize = 100, L1Regularization = 0.1f, Tolerance = 1e-9f }),
        ["no negative weights"] = (Some.Linear(7, 400, 6), () => new() { BatchSize = 100, NonNegativeWeights = true, Tolerance = 1e-9f }),
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Forms => [.. _forms.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Resume_InEveryRoundAndBetweenThem_EndsWithTheBitsOfTheUnbrokenTraining(string form)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        Options options = make();
        TrainingSettings settings = options.ToSettings();
        using TrainingRows read = Stored.Read(rows, options);
        var states = new List<TrainingState>();
        using var whole = new TrainingRun(read, settings, start: default, CancellationToken.None);
        FitResult expected = whole.Run(_ =>
        {
            states.Add(whole.Save());
            return true;
        });
        Assert.InRange(whole.NumberOfRounds, 2, 5);
        Assert.Equal(whole.NumberOfRounds, states.Select(state => state.Round.Number).Distinct().Count());

        // After the first epoch of a round, in the middle, and after its last one, where the next round begins.
        foreach (TrainingState state in states.GroupBy(state => state.Round.Number)
            .SelectMany(round => new[] { round.First(), round.ElementAt(round.Count() / 2), round.Last() }).Distinct())
        {
            using var resumed = new TrainingRun(read, settings, start: default, CancellationToken.None);
            resumed.Resume(state);

            FitResult actual = resumed.Run(_ => true);

            Assert.Equal(expected.Weights, actual.Weights);
            Assert.Equal((expected.StopReason, expected.ReturnedEpoch, whole.NumberOfRounds),
                (actual.StopReason, actual.ReturnedEpoch, resumed.NumberOfRounds));
            Assert.Equal((expected.GapShare, expected.Gap.Method, expected.Gap.GradientNorm),
                (actual.GapShare, actual.Gap.Method, actual.Gap.GradientNorm));
            SavedTrainingTests.AssertSame(expected.State, actual.State);
            Assert.Equal(whole.History.Reports.Select(SavedTrainingTests.Plain), resumed.History.Reports.Select(SavedTrainingTests.Plain));
        }
    }

    [Theory]
    [InlineData("all columns whitened later", 7)]
    [InlineData("all columns whitened later, weighted rows in order", 7)]
    [InlineData("rows of high leverage", 1)]
    [InlineData("rows of high leverage, weighted", 1)]
    [InlineData("rows of high leverage among sparse ones", 11)]
    [InlineData("whitened, momentum, centered", 1)]
    public void Fit_BrokenOffAgainAndAgain_EndsWithTheBitsOfTheUnbrokenTraining(string form, int everyEpochs)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        Options options = make();
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows, options);

        options.Checkpoint = new() { Path = _folder.File("some.checkpoint"), EveryEpochs = everyEpochs, Interval = TimeSpan.MaxValue };
        RmsPropRegressionTransformer actual = Interrupted.FitWithBreaks(rows, options, out int breaks);

        Interrupted.AssertSame(expected, actual);
        Assert.True(breaks >= expected.Training.Diagnostics.NumberOfRounds, $"{breaks} breaks");
    }

    [Theory]
    [InlineData("rows of high leverage")]
    [InlineData("whitened")]
    public void Fit_BrokenOffEveryFewSteps_EndsWithTheBitsOfTheUnbrokenTraining(string form)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        Options options = make();
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows, options);

        options.Checkpoint = new() { Path = _folder.File("some.checkpoint"), Interval = TimeSpan.FromTicks(1) };
        RmsPropRegressionTransformer actual = Interrupted.FitWithBreaks(rows, options, out int breaks);

        Interrupted.AssertSame(expected, actual);
        Assert.Equal(expected.Training.Epochs[^1].Step / 16 - 1, breaks);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Fit_ThreadsOrRowsInAFile_GivesIdenticalBits(string form)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        Options one = make();
        one.NumberOfThreads = 1;
        RmsPropRegressionTransformer expected = rows.Fit(one);
        foreach ((int threads, long? memory) in new[] { (2, default(long?)), (3, 1L) })
        {
            Options options = make();
            (options.NumberOfThreads, options.MemoryLimitInBytes) = (threads, memory);

            RmsPropRegressionTransformer actual = rows.Fit(options);

            Assert.Equal(expected.Parameters(), actual.Parameters());
            Assert.Equal(expected.Training.Epochs.Select(epoch => epoch.Loss), actual.Training.Epochs.Select(epoch => epoch.Loss));
            Assert.Equal(Interrupted.Distance(expected.Training), Interrupted.Distance(actual.Training));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void FitParts_AnyNumberOfProcesses_GivesTheBitsOfOne(string form)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        // Uneven parts, one of them without rows.
        int[] ends = [0, 17, rows.Count / 3, rows.Count / 3, rows.Count];
        Examples[] parts = [.. ends.Zip(ends.Skip(1), (first, end) => rows.Take(Enumerable.Range(first, end - first)))];
        RmsPropRegressionTransformer[] Fit(int ranks) => ThreadCollective.Run(ranks, collective =>
        {
            Options options = make();
            options.Collective = collective;
            var ml = new MLContext(1);
            int[] shares = ranks == 1 ? [4] : ranks == 2 ? [1, 3] : [1, 1, 2];
            return ml.Regression.Trainers.RmsProp(options).FitParts([.. parts.Skip(shares.Take(collective.Rank).Sum()).Take(shares[collective.Rank])
                .Select(part => part.Count == 0 ? Examples.View(ml, [], rows.Width) : part.View(ml))]);
        });

        RmsPropRegressionTransformer expected = Assert.Single(Fit(1));

        Assert.All(Fit(2).Concat(Fit(3)), actual =>
        {
            Assert.Equal(expected.Parameters(), actual.Parameters());
            Assert.Equal(expected.Training.Epochs.Select(epoch => epoch.Loss), actual.Training.Epochs.Select(epoch => epoch.Loss));
            Assert.Equal(Interrupted.Distance(expected.Training), Interrupted.Distance(actual.Training));
        });
    }

    /// <summary>The report tells the truth within a factor of two, or is above a tenth of it and warned of.</summary>
    [Theory]
    [MemberData(nameof(SquaredForms))]
    public void Fit_Rounds_ReportTheirDistanceFromLeastSquares(string form, int? epochs)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        Options options = make();
        options.NumberOfEpochs = epochs;
        var ml = new MLContext(1);
        var log = new LogCollector(ml);
        double least = new LeastSquares(rows).Rmse(rows);

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(options).Fit(rows.View(ml));

        double excess = model.Rmse(rows) / least - 1;
        double share = model.Training.OptimalityGap!.Share;
        bool isWarned = log.Messages(ChannelMessageKind.Warning).Any(line => line.Contains("above the smallest possible", StringComparison.Ordinal));
        const double Rounding = 2e-5;        // of scores in float
        Assert.True(Math.Abs(share - excess) <= Rounding || (share <= 2 * excess && (share >= excess / 2 || (share >= excess / 10 && isWarned))),
            FormattableString.Invariant($"reported {share:g4}, true {excess:g4}, warned: {isWarned}"));
        Assert.True(isWarned || share <= (options.Tolerance ?? 5e-4f));
        Assert.True(share >= 0);
    }

    public static TheoryData<string, int?> SquaredForms
    {
        get
        {
            var forms = new TheoryData<string, int?>();
            foreach (string form in new[] { "all columns whitened later", "all columns whitened later, weighted rows in order",
                "dense columns whitened later", "rows of high leverage", "rows of high leverage, weighted", "whitened", "own coordinates" })
            {
                foreach (int? epochs in new int?[] { null, 1, 20 })
                    forms.Add(form, epochs);
            }
            return forms;
        }
    }

    [Theory]
    [InlineData("all columns whitened later")]
    [InlineData("dense columns whitened later")]
    [InlineData("rows of high leverage")]
    [InlineData("rows of high leverage, weighted")]
    public void Fit_Defaults_EndWithinATenthOfAPerCent(string form)
    {
        (Examples rows, Func<Options> make) = _forms[form];
        Options options = make();
        options.Tolerance = null;

        RmsPropRegressionTransformer model = rows.Fit(options);

        Assert.InRange(model.Rmse(rows) / new LeastSquares(rows).Rmse(rows) - 1, -1e-5, 1e-3);
    }

    [Fact]
    public void Fit_SmallerTolerance_EndsNearerAndLater()
    {
        Examples rows = Some.Linear(1, 500, 6);
        float[] tolerances = [1e-2f, 1e-5f, 1e-8f];

        TrainingReport[] reports = [.. tolerances.Select(tolerance => rows.Fit(new() { BatchSize = 32, Tolerance = tolerance }).Training)];

        Assert.All(reports.Zip(tolerances), pair => Assert.Equal(pair.Second, pair.First.Diagnostics.Tolerance));
        Assert.Equal(1, reports[0].Diagnostics.NumberOfRounds);
        for (int i = 1; i < reports.Length; i++)
        {
            Assert.True(reports[i].OptimalityGap!.Share < reports[i - 1].OptimalityGap!.Share);
            Assert.True(reports[i].Epochs.Count > reports[i - 1].Epochs.Count);
        }
        // Rounds end where the gap is within the tolerance, and no earlier unless there have been five or they bring nothing.
        Assert.All(reports.Zip(tolerances).Take(2), pair => Assert.InRange(pair.First.OptimalityGap!.Share, 0, pair.Second));
    }

    /// <summary>A training that has ended is one that would have ended there with a smaller tolerance as well.</summary>
    [Fact]
    public void Fit_EnoughTolerance_IsTheFirstRoundOfALongerTraining()
    {
        Examples rows = Some.Linear(1, 500, 6);

        TrainingReport one = rows.Fit(new() { BatchSize = 32, Tolerance = 0.5f }).Training;
        TrainingReport several = rows.Fit(new() { BatchSize = 32, Tolerance = 1e-9f }).Training;

        Assert.Equal(16, one.Epochs.Count);        // 250 steps of 16 an epoch
        Assert.Equal(one.Epochs.Select(epoch => epoch.Loss), several.Epochs.Take(16).Select(epoch => epoch.Loss));
        Assert.Equal((31 * 16, 31 * 16), (one.Epochs[0].NumberOfEpochs, several.Epochs[0].NumberOfEpochs));
        Assert.InRange(several.Epochs.Count, 16 + 32, 31 * 16);
        Assert.Equal(Enumerable.Range(1, several.Epochs.Count), several.Epochs.Select(epoch => epoch.Epoch));
        Assert.All(several.Epochs, epoch => Assert.Equal(16 * epoch.Epoch, epoch.Step));
    }

    [Theory]
    [InlineData("epochs")]
    [InlineData("early stopping")]
    [InlineData("callback")]
    public void Fit_LengthThatTheUserDecides_AddsNoRounds(string form)
    {
        var options = new Options { BatchSize = 32, Tolerance = 1e-9f };
        switch (form)
        {
            case "epochs":
                options.NumberOfEpochs = 3;
                break;
            case "early stopping":
                (options.EarlyStopping, options.ValidationFraction) = (new(), 0.2f);
                break;
            default:
                options.EpochCompleted = progress =>
                {
                    if (progress.Report.Epoch == 3)
                        progress.Stop();
                };
                break;
        }

        TrainingReport report = Some.Linear(1, 500, 6).Fit(options).Training;

        Assert.Equal(1, report.Diagnostics.NumberOfRounds);
        Assert.NotNull(report.OptimalityGap);
        if (form != "early stopping")
            Assert.Equal(3, report.Epochs.Count);
    }

    private static Examples Weighted(Examples rows) =>
        new(rows.Features, rows.Labels, [.. Enumerable.Range(0, rows.Count).Select(row => 0.5f + row % 3)]);

    /// <summary>Sparse columns, of which a few have a value in two rows alone.</summary>
    private static Examples Rare()
    {
        Examples rows = Some.SparseGroups(4, 1500, 8, 10, own: 1);
        for (int row = 0; row < rows.Count; row++)
        {
            for (int column = 0; column < 5; column++)
                rows.Features[row][column] = row % 700 == column ? 1 + row / 700 : 0;
            rows.Labels[row] += 3 * rows.Features[row][0] - 2 * rows.Features[row][3];
        }
        return rows;
    }
}
