using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

/// <summary>A training that was broken off and taken up again ends with the bits of one without a break.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("some.checkpoint");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Forms => [.. TrainingForms.All.Keys];

    [Theory, MemberData(nameof(Forms))]
    public void Fit_BrokenOffEveryFewSteps_EndsWithTheBitsOfTheUnbrokenTraining(string form)
    {
        (Examples rows, Options options) = Form(form);
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows, options);

        options.Checkpoint = EverySteps();
        RmsPropRegressionTransformer actual = Interrupted.FitWithBreaks(rows, options, out int breaks);

        Interrupted.AssertSame(expected, actual);
        // A file is begun every 16 steps, mostly in the middle of an epoch. By the first file after a break the training has advanced; at the
        // second it breaks off.
        Assert.Equal(expected.Training.Epochs[^1].Step / 16 - 1, breaks);
        Assert.Empty(_folder.Files);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Fit_CancelledInEachEpoch_GoesOnWithTheNextOne(string form)
    {
        (Examples rows, Options options) = Form(form);
        options.EpochCompleted = _ => { };
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows, options);
        var epochs = new List<int>();

        options.Checkpoint = new() { Path = Path };
        RmsPropRegressionTransformer? actual = null;
        while (actual is null)
        {
            using var source = new CancellationTokenSource();
            options.CancellationToken = source.Token;
            options.EpochCompleted = progress =>
            {
                epochs.Add(progress.Report.Epoch);
                source.Cancel();
            };
            try
            {
                actual = Interrupted.Fit(rows, options);
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(["some.checkpoint"], _folder.Files);
            }
        }

        Interrupted.AssertSame(expected, actual);
        Assert.Equal(Enumerable.Range(1, expected.Training.Epochs.Count), epochs);
        Assert.Empty(_folder.Files);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("early stopping")]
    [InlineData("lazy weights")]
    [InlineData("lazy weights with momentum")]
    [InlineData("exact zeros")]
    public void Fit_CancelledAtAnyLossOfAnyRow_LosesNothing(string form)
    {
        Examples rows = form.StartsWith("lazy", StringComparison.Ordinal) ? TrainingForms.Sparse : TrainingForms.Dense;
        long losses = 0;
        long cancelAt = long.MaxValue;
        long atLastEpoch = 0;
        CancellationTokenSource source = new();
        var options = TrainingForms.Short(new()
        {
            // Of training, of evaluating the epochs, of the exact zeros, of the statistics.
            LossFunction = new LossOf((output, label) => Math.Abs(output - label), (output, label) =>
            {
                if (++losses == cancelAt)
                    source.Cancel();
                return MathF.Sign(output - label);
            }),
            LearningRateSchedule = LearningRateSchedule.Constant,
            LearningRate = 0.003f,
            Momentum = form.EndsWith("momentum", StringComparison.Ordinal) ? 0.9f : 0,
            EpochCompleted = _ => atLastEpoch = losses,
            NumberOfThreads = 1,
            NumberOfEpochs = 3,
            BatchSize = 12,
            ValidationFraction = form == "early stopping" ? 0.3f : 0,
            EarlyStopping = form == "early stopping" ? new() { Patience = 1 } : null,
            L1Regularization = form == "exact zeros" ? 0.01f : 0,
        });
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows, options);
        // Before the first step there is nothing to save: each row is looked at once.
        (long before, long afterwards, long all) = (expected.Training.RowsUsed, losses - atLastEpoch, losses);
        Assert.True(all > before + 600);

        options.Checkpoint = new() { Path = Path };
        for (long at = before + 1; at <= all; at += 1 + all / 40)
        {
            source = new CancellationTokenSource();
            options.CancellationToken = source.Token;
            (losses, cancelAt) = (0, at);
            try
            {
                // Cancelled among the last rows of all, it is finished.
                Interrupted.AssertSame(expected, Interrupted.Fit(rows, options));
                Assert.True(at > all - rows.Count);
                continue;
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(["some.checkpoint"], _folder.Files);
            }
            options.CancellationToken = default;
            losses = 0;
            RmsPropRegressionTransformer actual = Interrupted.Fit(rows, options);
            Interrupted.AssertSame(expected, actual);
            // Not from the start: a batch or an evaluation of the epoch is done again, or what comes after the last step.
            Assert.True(losses <= before + Math.Max(all - at + rows.Count, afterwards + rows.Count),
                $"{losses} losses after a break at {at} of {all}");
            source.Dispose();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_ContinuesAnotherTrainingAndIsBrokenOff_EndsWithTheBitsOfTheUnbrokenOne(bool isSparse)
    {
        Examples rows = isSparse ? TrainingForms.Sparse : TrainingForms.Dense;
        Options options = TrainingForms.Short(new() { LearningRateSchedule = LearningRateSchedule.Constant, AveragedFraction = 0.5f });
        IDataView view = rows.View(new MLContext(1));
        RmsPropRegressionTransformer first = Interrupted.Trainer(options).Fit(view);
        RmsPropRegressionTransformer expected = Interrupted.Trainer(options).Fit(view, first);

        options.Checkpoint = EverySteps();
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() => Interrupted.Trainer(options, Break).Fit(view, first));
        // From elsewhere it would be another training.
        Assert.Contains("the model or training to start from",
            Assert.Throws<InvalidOperationException>(() => Interrupted.Trainer(options).Fit(view)).Message, StringComparison.Ordinal);
        Assert.Contains("the model or training to start from",
            Assert.Throws<InvalidOperationException>(() => Interrupted.Trainer(options).Fit(view, first.Model)).Message, StringComparison.Ordinal);
        Interrupted.AssertSame(expected, Interrupted.Trainer(options).Fit(view, first));

        Stream Break(string path) => ++files == 4 ? throw new Interrupted.BreakException() : Interrupted.Create(path);
    }

    [Fact]
    public void Fit_StartsFromAModelAndIsBrokenOff_EndsWithTheBitsOfTheUnbrokenOne()
    {
        Options options = TrainingForms.Short(new());
        IDataView view = TrainingForms.Dense.View(new MLContext(1));
        RmsPropRegressionTransformer first = Interrupted.Trainer(options).Fit(view);
        RmsPropRegressionTransformer expected = Interrupted.Trainer(options).Fit(view, first.Model);

        options.Checkpoint = EverySteps();
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Trainer(options, path => ++files == 4 ? throw new Interrupted.BreakException() : Interrupted.Create(path))
                .Fit(view, first.Model));

        Interrupted.AssertSame(expected, Interrupted.Trainer(options).Fit(view, first.Model));
    }

    [Fact]
    public void Fit_RowsBeyondTheMemoryLimitAndOtherThreads_GoesOnFromTheSameCheckpoint()
    {
        Examples rows = Some.Linear(1, 60_000, 90);
        Options options = new() { NumberOfEpochs = 2, Decorrelate = false, BatchSize = 512, Checkpoint = EverySteps() };
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows,
            new() { NumberOfEpochs = 2, Decorrelate = false, BatchSize = 512, NumberOfThreads = 2 });
        options.NumberOfThreads = 1;
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Fit(rows, options, path => ++files == 5 ? throw new Interrupted.BreakException() : Interrupted.Create(path)));

        (options.MemoryLimitInBytes, options.NumberOfThreads) = (1, 2);
        Interrupted.AssertSame(expected, Interrupted.Fit(rows, options));
    }

    [Fact]
    public void Fit_CallbackThatStopped_KeptCheckpointIsThatModel()
    {
        Options options = TrainingForms.Short(new()
        {
            EpochCompleted = progress =>
            {
                if (progress.Report.Epoch == 3)
                    progress.Stop();
            },
        });
        RmsPropRegressionTransformer expected = Interrupted.Fit(TrainingForms.Dense, options);
        Assert.Equal((StopReason.StoppedByCallback, 3), (expected.Training.StopReason, expected.Training.Epochs.Count));

        options.Checkpoint = new() { Path = Path, EveryEpochs = 1, Keep = true };
        Interrupted.AssertSame(expected, Interrupted.Fit(TrainingForms.Dense, options));
        options.EpochCompleted = _ => Assert.Fail("There is no epoch left.");
        Interrupted.AssertSame(expected, Interrupted.Fit(TrainingForms.Dense, options));
    }

    [Theory, MemberData(nameof(Forms))]
    public void Fit_CheckpointOfAFinishedTraining_ReturnsItsModelWithoutAnotherStepAndKeepsOrRemovesIt(string form)
    {
        (Examples rows, Options options) = Form(form);
        int epochs = 0;
        options.EpochCompleted = _ => epochs++;
        RmsPropRegressionTransformer expected = Interrupted.Fit(rows, options);

        options.Checkpoint = new() { Path = Path, Keep = true };
        Interrupted.AssertSame(expected, Interrupted.Fit(rows, options));
        Assert.Equal(2 * expected.Training.Epochs.Count, epochs);
        Assert.Equal(["some.checkpoint"], _folder.Files);
        Interrupted.AssertSame(expected, Interrupted.Fit(rows, options));
        Assert.Equal(["some.checkpoint"], _folder.Files);
        options.Checkpoint = options.Checkpoint with { Keep = false };
        Interrupted.AssertSame(expected, Interrupted.Fit(rows, options));

        Assert.Equal(2 * expected.Training.Epochs.Count, epochs);
        Assert.Empty(_folder.Files);
    }

    /// <summary>That a weight is no number is known from the step that made it so, and from then on without looking at it.</summary>
    [Fact]
    public void Fit_BrokenOffAfterASparseWeightBecameNoNumber_DivergesAsTheUnbrokenTraining()
    {
        float[] labels = new float[160];
        float[][] features = [.. Enumerable.Range(0, 160).Select(row => Enumerable.Range(0, 80).Select(column =>
            row == column && column != 7 ? 1f : 0).ToArray())];
        (labels[0], labels[1]) = (1e12f, -1e12f);
        features[0][7] = features[1][7] = 1e30f;
        var rows = new Examples(features, labels);
        var options = new Options { Standardize = false, Shuffle = false, NumberOfEpochs = 1, BatchSize = 4 };
        string expected = Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(rows, options)).Message;
        Assert.Contains("diverged in epoch 1 at step 40", expected, StringComparison.Ordinal);

        options.Checkpoint = EverySteps();
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Fit(rows, options, path => ++files == 3 ? throw new Interrupted.BreakException() : Interrupted.Create(path)));

        Assert.Equal(expected, Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(rows, options)).Message);
    }

    [Fact]
    public void Fit_EveryEpochs_WritesAfterThose()
    {
        Options options = TrainingForms.Short(new()
        {
            NumberOfEpochs = 7,
            Checkpoint = new() { Path = Path, EveryEpochs = 2, Interval = TimeSpan.MaxValue },
        });
        int files = 0;
        int epochs = 0;
        var filesBefore = new List<int>();
        options.EpochCompleted = _ => filesBefore.Add(files);

        Interrupted.Fit(TrainingForms.Dense, options, path =>
        {
            files++;
            return Interrupted.Create(path);
        });

        // The first one only tests whether a file can be written; none is at the end, when the file is removed.
        Assert.Equal([1, 1, 2, 2, 3, 3, 4], filesBefore);
        Assert.Equal((4, 0), (files, epochs));
    }

    [Fact]
    public void Fit_PathAndNothingElse_WritesNothingIntoAShortTraining()
    {
        int files = 0;

        Interrupted.Fit(TrainingForms.Dense, TrainingForms.Short(new() { Checkpoint = new() { Path = Path } }), path =>
        {
            files++;
            return Interrupted.Create(path);
        });

        Assert.Equal(1, files);
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void Fit_GoesOn_SaysSoInTheLog()
    {
        Options options = TrainingForms.Short(new() { Checkpoint = EverySteps() });
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Fit(TrainingForms.Dense, options, path => ++files == 3 ? throw new Interrupted.BreakException() : Interrupted.Create(path)));
        var ml = new MLContext(1);
        var log = new LogCollector(ml);

        ml.Regression.Trainers.RmsProp(options).Fit(TrainingForms.Dense.View(ml));

        // 300 rows in batches of 32: step 16 is the sixth of the second epoch.
        Assert.Contains($"Continues from the checkpoint '{Path}': 1 of 5 epochs and 6 steps are done.",
            log.Messages(Microsoft.ML.Runtime.ChannelMessageKind.Info));
    }

    private static (Examples Rows, Options Options) Form(string form)
    {
        (Examples rows, Func<Options> make) = TrainingForms.All[form];
        Options options = TrainingForms.Short(make());
        options.BatchSize = Math.Min(options.BatchSize, 12);        // so that a break is at any place of an epoch
        return (rows, options);
    }

    private CheckpointOptions EverySteps() => new() { Path = Path, Interval = TimeSpan.FromTicks(1) };
}
