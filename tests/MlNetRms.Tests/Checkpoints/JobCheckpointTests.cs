using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

/// <summary>
/// A job that was broken off and started again, with any number of ranks over the same parts, ends with the bits of one without a break.
/// </summary>
[Trait("Vectors", "Irrelevant")]
public sealed class JobCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("some.checkpoint");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Forms => [.. TrainingForms.All.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void FitParts_BrokenOffEveryFewStepsAndStartedWithOtherRanks_EndsWithTheBitsOfTheUnbrokenJob(string form)
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form(form);
        RmsPropRegressionTransformer expected = Assert.Single(ThreadCollective.Run(1, job => Fit(job, parts, options(job))));

        RmsPropRegressionTransformer[]? actual = null;
        int breaks = 0;
        while (actual is null)
        {
            int ranks = 1 + (breaks + 1) % 3;
            int files = 0;
            Exception?[] failures = new Exception?[ranks];
            RmsPropRegressionTransformer?[] models = ThreadCollective.Run(ranks, job =>
            {
                Options broken = options(job);
                broken.Checkpoint = new() { Path = Path, Interval = TimeSpan.FromTicks(1) };
                RmsPropRegressionTransformer? model = null;
                failures[job.Rank] = Record.Exception(() =>
                    model = Fit(job, parts, broken, path => ++files == 3 ? throw new Interrupted.BreakException() : Interrupted.Create(path)));
                return model;
            });
            if (failures[0] is null)
                actual = models!;
            else
            {
                Assert.IsType<Interrupted.BreakException>(failures[0]);
                Assert.All(failures[1..], failure => Assert.StartsWith($"Rank 0 of {ranks} has failed",
                    Assert.IsType<InvalidOperationException>(failure).Message, StringComparison.Ordinal));
                Assert.True(File.Exists(Path));
                breaks++;
            }
        }

        Assert.All(actual, model => Interrupted.AssertSame(expected, model));
        // As in one process: a break after every 16 steps but the first.
        Assert.Equal(expected.Training.Epochs[^1].Step / 16 - 1, breaks);
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void FitParts_RankWithoutTheFileIsCancelled_RankZeroSavesAndAnotherJobGoesOn()
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form("early stopping");
        RmsPropRegressionTransformer expected = Assert.Single(ThreadCollective.Run(1, job => Fit(job, parts, WithCallback(options(job), _ => { }))));
        string gone = System.IO.Path.Combine(_folder.File("gone"), "some.checkpoint");

        Exception?[] failures = ThreadCollective.Failures(2, job =>
        {
            using var source = new CancellationTokenSource();
            Options broken = WithCallback(options(job), progress =>
            {
                if (job.Rank == 1 && progress.Report.Epoch == 4)
                    source.Cancel();
            });
            broken.CancellationToken = source.Token;
            // Rank 1 does not reach the folder.
            broken.Checkpoint = new() { Path = job.Rank == 0 ? Path : gone, Interval = TimeSpan.MaxValue };
            Fit(job, parts, broken);
        });

        Assert.All(failures, failure => Assert.IsType<OperationCanceledException>(failure));
        Assert.Equal(["some.checkpoint"], _folder.Files);
        Assert.Equal(4, SavedTraining.Load(Path).NumberOfEpochs);
        int first = 0;
        RmsPropRegressionTransformer[] actual = ThreadCollective.Run(3, job =>
        {
            Options again = WithCallback(options(job), progress => first = first == 0 ? progress.Report.Epoch : first);
            again.Checkpoint = new() { Path = job.Rank == 0 ? Path : gone };
            return Fit(job, parts, again);
        });
        Assert.Equal(5, first);
        Assert.All(actual, model => Interrupted.AssertSame(expected, model));
        Assert.Empty(_folder.Files);
    }

    [Theory]
    [InlineData("a label in the last part", "the training rows was ")]
    [InlineData("two parts change places", "the training rows was ")]
    [InlineData("two parts are one", "the number of parts of the training rows was 4, and is 3 now")]
    [InlineData("a batch size", "BatchSize was 32, and is 33 now")]
    public void FitParts_CheckpointOfOtherParts_IsRefusedInAllRanks(string change, string difference)
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form("dense");
        Assert.NotNull(ThreadCollective.Failures(2, job => Fit(job, parts, Saved(WithCallback(options(job), progress =>
        {
            if (progress.Report.Epoch == 3)
                throw new OperationCanceledException();
        }))))[0]);
        byte[] bytes = File.ReadAllBytes(Path);
        Examples last = parts[3];
        parts = change switch
        {
            "a label in the last part" => [.. parts[..3], new Examples(last.Features, [last.Labels[0] + 1, .. last.Labels[1..]])],
            "two parts change places" => [parts[0], parts[2], parts[1], last],
            "two parts are one" => [parts[0], parts[1], new Examples([.. parts[2].Features, .. last.Features], [.. parts[2].Labels, .. last.Labels])],
            _ => parts,
        };

        Exception?[] failures = ThreadCollective.Failures(3, job =>
        {
            Options other = Saved(WithCallback(options(job), _ => { }));
            other.BatchSize += change == "a batch size" ? 1 : 0;
            Fit(job, parts, other);
        });

        string message = Assert.IsType<InvalidOperationException>(failures[0]).Message;
        Assert.Contains($"is of another training: {difference}", message, StringComparison.Ordinal);
        Assert.All(failures[1..], failure =>
            Assert.Equal($"Rank 0 of 3 has failed: {message}", Assert.IsType<InvalidOperationException>(failure).Message));
        Assert.Equal(bytes, File.ReadAllBytes(Path));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    public void FitParts_CheckpointAfterAnEpochCannotBeWritten_EndsInAllRanks(int failing)
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form("dense");
        int files = 0;

        Exception?[] failures = ThreadCollective.Failures(3, job =>
        {
            Options own = options(job);
            (own.NumberOfEpochs, own.Checkpoint) = (8, new() { Path = Path, EveryEpochs = 1, Interval = TimeSpan.MaxValue });
            Fit(job, parts, own, path => ++files == failing ? throw new IOException("No space left on device") : Interrupted.Create(path));
        });

        string message = Assert.IsType<IOException>(failures[0]).Message;
        Assert.All(failures[1..], failure =>
            Assert.Equal($"Rank 0 of 3 has failed: {message}", Assert.IsType<InvalidOperationException>(failure).Message));
        Assert.Equal(failing > 2, File.Exists(Path));
    }

    [Fact]
    public void FitParts_DamagedCheckpoint_IsRefusedInAllRanks()
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form("dense");
        File.WriteAllText(Path, "no checkpoint");

        Exception?[] failures = ThreadCollective.Failures(2, job => Fit(job, parts, Saved(options(job))));

        Assert.IsType<InvalidDataException>(failures[0]);
        Assert.StartsWith("Rank 0 of 2 has failed: ", Assert.IsType<InvalidOperationException>(failures[1]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FitParts_CheckpointInOneRankOnly_IsRefusedInAllRanks()
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form("dense");

        Exception?[] failures = ThreadCollective.Failures(2, job => Fit(job, parts, job.Rank == 0 ? Saved(options(job)) : options(job)));

        Assert.All(failures, failure => Assert.Contains("do not agree on Checkpoint: rank 0 has set, rank 1 has null.",
            Assert.IsType<InvalidOperationException>(failure).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void FitParts_FinishedAndKept_IsReturnedWithoutAStep()
    {
        (Examples[] parts, Func<ICollective, Options> options) = Form("dense");
        RmsPropRegressionTransformer[] expected = ThreadCollective.Run(2, job => Fit(job, parts, Kept(job)));

        RmsPropRegressionTransformer[] actual = ThreadCollective.Run(3, job => Fit(job, parts, Kept(job)));

        Assert.All(actual, model => Assert.Equal(expected[0].Training.Epochs, model.Training.Epochs));      // times too
        Assert.All(actual, model => Interrupted.AssertSame(expected[0], model));
        RmsPropRegressionTransformer[] further = ThreadCollective.Run(2, job =>
            Interrupted.Trainer(options(job)).FitParts(job.Views(parts), SavedTraining.Load(Path), CancellationToken.None));
        RmsPropRegressionTransformer[] inMemory = ThreadCollective.Run(1, job =>
            Interrupted.Trainer(options(job)).FitParts(job.Views(parts), previous: expected[0]));
        Assert.All(further, model => Interrupted.AssertSame(inMemory[0], model));

        Options Kept(ICollective job)
        {
            Options kept = options(job);
            kept.Checkpoint = new() { Path = Path, Keep = true };
            return kept;
        }
    }

    private Options Saved(Options options)
    {
        options.Checkpoint = new() { Path = Path };
        return options;
    }

    private static Options WithCallback(Options options, Action<EpochProgress> callback)
    {
        options.EpochCompleted = callback;
        return options;
    }

    private static RmsPropRegressionTransformer Fit(ThreadCollective job, Examples[] parts, Options options, Func<string, Stream>? create = null) =>
        Interrupted.Trainer(options, create).FitParts(job.Views(parts));

    /// <summary>Four uneven parts.</summary>
    private static (Examples[] Parts, Func<ICollective, Options> Options) Form(string name)
    {
        (Examples rows, Func<Options> options) = TrainingForms.All[name];
        int[] ends = [0, rows.Count / 10, rows.Count / 2, rows.Count * 2 / 3, rows.Count];
        Examples[] parts = [.. Enumerable.Range(0, 4).Select(part => rows.Take(Enumerable.Range(ends[part], ends[part + 1] - ends[part])))];
        return (parts, job =>
        {
            Options own = TrainingForms.Short(options());
            own.Collective = job;
            own.NumberOfThreads = 1;        // reports say how many there were
            return own;
        }
        );
    }
}
