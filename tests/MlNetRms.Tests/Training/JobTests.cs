using MlNetRms.Tests.Checkpoints;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>A training over several processes: only the parts of the rows and the seed decide its bits, not which process has which part.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class JobTests
{
    /// <summary>Uneven parts, one of them without rows.</summary>
    private static readonly int[] _lengths = [7, 190, 0, 413, 90];

    private static readonly Dictionary<string, (Examples Rows, Func<Options> Options)> _cases = new()
    {
        ["dense"] = (Some.Linear(1, 700, 5), () => new()),
        ["weighted"] = (Some.Linear(2, 700, 5, weighted: true), () => new() { ExampleWeightColumnName = nameof(Example.Weight) }),
        ["large values"] = (Some.Linear(3, 700, [1e7, 1e-6], means: [1e8, 0], labelOffset: 1e6, labelScale: 1e5), () => new()),
        ["not standardised, large gradients"] =
            (Some.Linear(3, 700, [100, 1], labelScale: 1e4), () => new() { Standardize = false, NumberOfEpochs = 20, BatchSize = 64 }),
        ["not standardised, tiny gradients"] =
            (Some.Linear(3, 700, [1e-18, 1], labelScale: 1e-12),
                () => new() { Standardize = false, NumberOfEpochs = 20, BatchSize = 64, Epsilon = 1e-30f }),
        ["in order, small batches"] = (Some.Linear(4, 700, 5), () => new() { Shuffle = false, BatchSize = 3, NumberOfEpochs = 2 }),
        ["sparse"] = (Some.MostlyZero(5, 700, 2, 330, 3), () => new() { NumberOfEpochs = 10 }),
        ["sparse, penalty"] = (Some.MostlyZero(5, 700, 2, 330, 3), () => new() { NumberOfEpochs = 10, L2Regularization = 0.01f }),
        ["mostly zero, decorrelated"] = (Some.MostlyZero(6, 700, 2, 30, 3), () => new()),
        ["many columns with a common factor"] = (Some.WithFactors(7, 700, 520, [0.6]), () => new() { NumberOfEpochs = 10 }),
        ["lasso"] = (Some.Linear(8, 700, 5), () => new() { L1Regularization = 0.05f }),
        ["momentum, centered"] = (Some.Linear(9, 700, 5), () => new() { Momentum = 0.9f, Centered = true, LearningRate = 0.003f }),
        ["Huber loss, threads"] =
            (Some.Linear(10, 700, 400), () => new() { LossFunction = new HuberLoss(1), NumberOfEpochs = 5, BatchSize = 512, NumberOfThreads = 3 }),
        ["early stopping"] = (Some.Linear(11, 700, 5),
            () => new()
            {
                ValidationFraction = 0.3f,
                EarlyStopping = new() { Patience = 2 },
                LearningRateSchedule = LearningRateSchedule.Constant,
                NumberOfEpochs = 500
            }),
    };

    public static TheoryData<string> Cases => [.. _cases.Keys];

    [Theory, MemberData(nameof(Cases))]
    public void FitParts_AnyNumberOfProcesses_GivesTheBitsOfOne(string name)
    {
        (Examples rows, Func<Options> options) = _cases[name];
        Examples[] parts = Parts(rows);

        RmsPropRegressionTransformer expected = Assert.Single(Fit(parts, [parts.Length], options));

        foreach ((int[] shares, bool backwards) in new[] { (new[] { 2, 3 }, false), ([2, 3], true), ([1, 1, 1, 2], false), ([1, 1, 1, 1, 1], true) })
        {
            foreach (RmsPropRegressionTransformer model in Fit(parts, shares, options, backwards))
            {
                Assert.Equal(expected.Parameters(), model.Parameters());
                Assert.Equal(expected.Training.Epochs.Select(epoch => (epoch.Loss, epoch.ValidationLoss)),
                    model.Training.Epochs.Select(epoch => (epoch.Loss, epoch.ValidationLoss)));
                Assert.Equal(Facts(expected.Training), Facts(model.Training));
            }
        }
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("weighted")]
    [InlineData("large values")]
    public void FitParts_LeastSquaresProblem_IsAsCloseToTheOptimumAsWithoutParts(string name)
    {
        (Examples rows, Func<Options> options) = _cases[name];

        RmsPropRegressionTransformer divided = Assert.Single(Fit(Parts(rows), [_lengths.Length], options));

        double optimum = new LeastSquares(rows).Rmse(rows);
        Assert.InRange(divided.Rmse(rows), optimum * (1 - 1e-6), optimum * (1 + 1e-4));
        Assert.InRange(rows.Fit(options()).Rmse(rows), optimum * (1 - 1e-6), optimum * (1 + 1e-4));
        Assert.Equal(rows.Count, divided.Training.RowsUsed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void FitParts_OneProcessStopsInItsCallback_StopsInAll(int stopping)
    {
        RmsPropRegressionTransformer[] models = ThreadCollective.Run(2, collective => Trainer(new()
        {
            Collective = collective,
            EpochCompleted = collective.Rank == stopping ? progress => Stop(progress, atEpoch: 3) : null,
        }).FitParts([_cases["dense"].Rows.View(new MLContext(1))]));

        Assert.All(models, model => Assert.Equal((StopReason.StoppedByCallback, 3), (model.Training.StopReason, model.Training.Epochs.Count)));
        Assert.Equal(models[0].Parameters(), models[1].Parameters());

        static void Stop(EpochProgress progress, int atEpoch)
        {
            if (progress.Report.Epoch == atEpoch)
                progress.Stop();
        }
    }

    [Fact]
    public void FitParts_ValidationPartsAndATrainingToContinue_GiveTheBitsOfOneProcess()
    {
        Examples[] parts = Parts(_cases["dense"].Rows);
        Examples[] validation = [Some.Linear(1, 50, 5), Some.Linear(1, 30, 5)];

        RmsPropRegressionTransformer[] One(int size) => ThreadCollective.Run(size, collective =>
        {
            RmsPropRegressionTrainer trainer = Trainer(new() { Collective = collective, NumberOfEpochs = 20 });
            IDataView[] own = [.. Own(parts, size, collective.Rank).Select(part => View(part))];
            IDataView[] ownValidation = [.. Own(validation, size, collective.Rank).Select(part => View(part))];
            return trainer.FitParts(own, ownValidation, trainer.FitParts(own));
        });
        RmsPropRegressionTransformer expected = Assert.Single(One(1));

        Assert.Equal(80, expected.Training.ValidationRows);
        Assert.All(One(2), model =>
        {
            Assert.Equal(expected.Parameters(), model.Parameters());
            Assert.Equal(expected.Training.Epochs.Select(epoch => epoch.ValidationLoss), model.Training.Epochs.Select(epoch => epoch.ValidationLoss));
        });

        static IEnumerable<Examples> Own(Examples[] all, int size, int rank) => all.Where((_, part) => part * size / all.Length == rank);
    }

    [Fact]
    public void Fit_OneViewInEachProcess_IsOnePartOfEach()
    {
        Examples[] parts = [.. new[] { 0, 1 }.Select(half => _cases["dense"].Rows.Take(Enumerable.Range(350 * half, 350)))];

        RmsPropRegressionTransformer[] models = ThreadCollective.Run(2,
            collective => Trainer(new() { Collective = collective }).Fit(View(parts[collective.Rank])));

        Assert.All(models, model => Assert.Equal(Assert.Single(Fit(parts, [2], () => new())).Parameters(), model.Parameters()));
    }

    [Fact]
    public void FitParts_ProcessWithoutAPart_IsRefusedInAll()
    {
        var messages = new string?[2];
        ThreadCollective.Run(2, collective => messages[collective.Rank] = Assert.Throws<InvalidOperationException>(() =>
            Trainer(new() { Collective = collective }).FitParts(collective.Rank == 0 ? [View(_cases["dense"].Rows)] : [])).Message);

        Assert.All(messages, message => Assert.StartsWith("Rank 1 of 2 has no part of the rows", message, StringComparison.Ordinal));
    }

    private static readonly Dictionary<string, (Action<Options> Change, string Usual, string Changed)> _mustAgree = new(OptionChanges.OfBits)
    {
        [nameof(Options.Checkpoint)] = (options =>
            options.Checkpoint = new() { Path = Path.Combine(Path.GetTempPath(), $"mlnetrms-{Guid.NewGuid()}") }, "null", "set"),
    };

    public static TheoryData<string> MustAgree => [.. _mustAgree.Keys];

    [Theory, MemberData(nameof(MustAgree))]
    public void FitParts_RankWithAnotherOption_IsRefusedInAllWithTheOptionAndBothValues(string option)
    {
        (Action<Options> change, string usual, string changed) = _mustAgree[option];
        foreach (int differing in new[] { 0, 2 })
        {
            string?[] messages = Refusals(3, rank =>
            {
                var options = new Options();
                if (rank == differing)
                    change(options);
                return (options, Some.Linear(1, 100, 3), false);
            });

            string name = option == nameof(Options.EarlyStopping) ? "EarlyStopping.Patience" : option;
            string difference = differing == 0 ? $"rank 0 has {changed}, rank 1 has {usual}" : $"rank 0 has {usual}, rank 2 has {changed}";
            Assert.All(messages, message =>
                Assert.Equal($"The processes of the job do not agree on {name}: {difference}. All must train with the same.", message));
        }
    }

    [Fact]
    public void FitParts_RanksThatDifferInSeveralOptions_AreAllToldTheFirst()
    {
        string?[] messages = Refusals(4, rank => (new Options
        {
            Alpha = rank == 3 ? 0.9f : 0.999f,
            BatchSize = rank switch { 1 => 128, 2 => 64, _ => 256 },
            LearningRate = rank == 2 ? 0.1f : 0.03f,
        }, Some.Linear(1, 100, 3), false));

        Assert.All(messages, message =>
            Assert.Contains("do not agree on LearningRate: rank 0 has 0.03, rank 2 has 0.1.", message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("the number of features: rank 0 has 3, rank 1 has 4.")]
    [InlineData("whether they have validation rows: rank 0 has none, rank 1 has some.")]
    public void FitParts_RanksWithOtherRows_AreRefusedInAll(string difference)
    {
        string?[] messages = Refusals(2, rank =>
        {
            int features = rank == 1 && difference.Contains("features", StringComparison.Ordinal) ? 4 : 3;
            return (new Options(), Some.Linear(1, 100, features), rank == 1 && difference.Contains("validation", StringComparison.Ordinal));
        });

        Assert.All(messages, message => Assert.Contains($"do not agree on {difference}", message, StringComparison.Ordinal));
    }

    [Fact]
    public void FitParts_RanksThatStartFromOtherModels_AreRefusedInAll()
    {
        IDataView view = View(Some.Linear(1, 100, 3));
        RmsPropRegressionTransformer[] models = [Trainer(new()).Fit(view), Trainer(new() { NumberOfEpochs = 1 }).Fit(view)];

        string?[] messages = Messages(2, collective =>
            Trainer(new() { Collective = collective, EpochCompleted = null }).FitParts([view], previous: models[collective.Rank]));

        Assert.All(messages, message =>
            Assert.Contains("do not agree on the weights they start from: rank 0 has ", message, StringComparison.Ordinal));
        Assert.Equal(messages[0], messages[1]);
    }

    [Fact]
    public void FitParts_RanksThatDifferInWhatMayDiffer_TrainTheSameModel()
    {
        RmsPropRegressionTransformer[] models = ThreadCollective.Run(2, collective =>
        {
            bool isFirst = collective.Rank == 0;
            return Trainer(new()
            {
                Collective = collective,
                NumberOfThreads = isFirst ? 1 : 2,
                MemoryLimitInBytes = isFirst ? null : 1,
                TemporaryDirectory = isFirst ? null : Path.GetTempPath(),
                EpochCompleted = isFirst ? new Action<EpochProgress>(_ => { }) : null,
                Progress = isFirst ? null : new ProgressCollector(),
                CancellationToken = isFirst ? default : new CancellationTokenSource().Token,
            }).FitParts([View(Some.Linear(1, 100, 3))]);
        });

        Assert.Equal(models[0].Parameters(), models[1].Parameters());
    }

    private static string?[] Refusals(int size,
        Func<int, (Options Options, Examples Rows, bool HasValidation)> ofRank) => Messages(size, collective =>
    {
        (Options options, Examples rows, bool hasValidation) = ofRank(collective.Rank);
        options.Collective = collective;
        IDataView[] views = [View(rows)];
        Trainer(options).FitParts(views, hasValidation ? views : null);
    });

    private static string?[] Messages(int size, Action<ThreadCollective> fit) =>
        [.. ThreadCollective.Failures(size, fit).Select(failure => Assert.IsType<InvalidOperationException>(failure).Message)];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FitParts_TrainingThatDiverges_SaysTheSameInAllProcesses(bool customLoss)
    {
        var messages = new string?[2];
        ThreadCollective.Run(2, collective => messages[collective.Rank] = Assert.Throws<InvalidOperationException>(() =>
            Trainer(new()
            {
                Collective = collective,
                LearningRate = customLoss ? 0.03f : 1e30f,
                // Only the second process has such labels.
                LossFunction = customLoss
                    ? new LossOf((prediction, label) => label > 1000 ? double.NaN : 0, (_, label) => label > 1000 ? float.NaN : 0) : null,
                Standardize = false,
            }).FitParts([View(new Examples(Some.Linear(1, 100, 3).Features, Enumerable.Repeat(collective.Rank * 2000f, 100).ToArray()))])).Message);

        Assert.Equal(messages[0], messages[1]);
        // An epoch is one step; the first one starts from weights of 0 and is always finite.
        Assert.StartsWith($"Training diverged in epoch {(customLoss ? 1 : 2)}", messages[0], StringComparison.Ordinal);
        Assert.Equal(customLoss, messages[0]!.Contains(nameof(Options.LossFunction), StringComparison.Ordinal));
    }

    private static RmsPropRegressionTrainer Trainer(Options options) => new MLContext(1).Regression.Trainers.RmsProp(options);

    private static IDataView View(Examples rows) => rows.Count == 0 ? Examples.View(new MLContext(1), [], 5) : rows.View(new MLContext(1));

    private static RmsPropRegressionTransformer[] Fit(Examples[] parts, int[] shares, Func<Options> options, bool backwards = false) =>
        ThreadCollective.Run(shares.Length, collective =>
        {
            Options own = options();
            own.Collective = collective;
            var ml = new MLContext(1);
            IDataView[] views = [.. parts.Skip(shares.Take(collective.Rank).Sum()).Take(shares[collective.Rank])
                .Select(part => part.Count == 0 ? Examples.View(ml, [], parts[^1].Width) : part.View(ml))];
            return ml.Regression.Trainers.RmsProp(own).FitParts(views);
        }, backwards);

    private static Examples[] Parts(Examples rows) =>
        [.. _lengths.Select((length, part) => rows.Take(Enumerable.Range(_lengths.Take(part).Sum(), length)))];

    private static (long, long, long, int, StopReason, double, double?, double?, object) Facts(TrainingReport report) =>
        (report.RowsRead, report.RowsUsed, report.ValidationRows, report.ReturnedEpoch, report.StopReason, report.TrainingLoss, report.RSquared,
            report.ConditionNumber, Interrupted.Distance(report));
}
