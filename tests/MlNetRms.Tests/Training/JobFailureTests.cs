using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>If one rank fails or is cancelled, training ends in all ranks at the same step, and none waits for ever.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class JobFailureTests
{
    private const int Ranks = 3;

    private static readonly Examples[] _parts = [.. Enumerable.Range(1, 4).Select(seed => Some.Linear(seed, 50 * seed, 4))];

    [Theory]
    [InlineData("another column name")]
    [InlineData("a folder that is gone")]
    [InlineData("a row of another length")]
    [InlineData("rows that throw")]
    [InlineData("validation rows that throw")]
    [InlineData("progress that throws")]
    [InlineData("a callback that throws")]
    public void FitParts_OneRankFails_EndsInAllWithItsReason(string how)
    {
        using var folder = new TemporaryFolder();
        foreach (int failing in new[] { 0, Ranks - 1 })
        {
            Exception?[] failures = ThreadCollective.Failures(Ranks, job =>
            {
                bool fails = job.Rank == failing;
                Options options = Usual(job);
                IReadOnlyList<IDataView> views = job.Views(_parts);
                IDataView[] validation = [View(Enumerable.Range(0, 20).Select(_ => SomeRow(4)))];
                switch (fails ? how : "")
                {
                    case "another column name":
                        options.LabelColumnName = "Missing";
                        break;
                    case "a folder that is gone":
                        options.MemoryLimitInBytes = 1;
                        options.TemporaryDirectory = folder.File("gone");
                        Directory.CreateDirectory(options.TemporaryDirectory);
                        break;
                    case "a row of another length":
                        views = [View([SomeRow(4), SomeRow(3)])];
                        break;
                    case "rows that throw":
                        views = [View(Throwing())];
                        break;
                    case "validation rows that throw":
                        validation = [View(Throwing())];
                        break;
                    case "progress that throws":
                        options.Progress = new ThrowingProgress();
                        break;
                    case "a callback that throws":
                        options.EpochCompleted = _ => throw new DataMisalignedException("planned");
                        break;
                }
                RmsPropRegressionTrainer trainer = Trainer(options);
                if (fails && how == "a folder that is gone")
                    Directory.Delete(options.TemporaryDirectory!);
                trainer.FitParts(views, validation);
            });

            Exception reason = Assert.IsAssignableFrom<Exception>(failures[failing]);
            Assert.All(failures.Where((_, rank) => rank != failing), failure =>
                Assert.Equal($"Rank {failing} of {Ranks} has failed: {reason.Message}", Assert.IsType<InvalidOperationException>(failure).Message));
        }
    }

    /// <summary>The loss is called in steps, and to evaluate epochs, statistics and the standardisation of losses.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void FitParts_OneRankEndsAtAnyLossOfAnyRow_EndsInAllAtTheSameStep(bool cancelled, bool stopsEarly)
    {
        long all = long.MaxValue;
        all = Ending(long.MaxValue, out _);
        Assert.True(all > 500);
        int steps = 0;
        for (long at = 1; at <= all; at += 1 + all / 25)
        {
            Ending(at, out long[] last);
            Assert.Single(last.Distinct());
            steps += last[0] >= 0 ? 1 : 0;
        }
        Assert.True(steps > 10);

        long Ending(long at, out long[] lastSteps)
        {
            const int Failing = 1;
            long losses = 0;
            var last = new long[Ranks];
            lastSteps = last;
            Exception?[] failures = ThreadCollective.Failures(Ranks, job =>
            {
                using var source = new CancellationTokenSource();
                Options options = Usual(job);
                options.CancellationToken = source.Token;
                options.NumberOfThreads = 1;
                last[job.Rank] = -1;
                options.LearningRateSchedule = LearningRateSchedule.Custom("constant", (step, _) =>
                {
                    last[job.Rank] = step;
                    return 1;
                });
                options.LossFunction = new LossOf((output, label) => Math.Abs(output - label), (output, label) =>
                {
                    if (job.Rank == Failing && ++losses == at)
                        End(source);
                    return MathF.Sign(output - label);
                });
                if (stopsEarly)
                    (options.ValidationFraction, options.EarlyStopping) = (0.3f, new() { Patience = 1 });
                Trainer(options).FitParts(job.Views(_parts));
            });
            if (at > losses)
            {
                Assert.All(failures, Assert.Null);
                return losses;
            }
            // If it is cancelled among the very last rows, training finishes.
            if (cancelled && at > all - 200 && failures.All(failure => failure is null))
                return losses;
            Assert.All(failures, (failure, rank) =>
            {
                if (cancelled)
                    Assert.IsType<OperationCanceledException>(failure);
                else if (rank == Failing)
                    Assert.IsType<DataMisalignedException>(failure);
                else
                    Assert.Equal($"Rank {Failing} of {Ranks} has failed: planned", Assert.IsType<InvalidOperationException>(failure).Message);
            });
            return losses;
        }

        void End(CancellationTokenSource source)
        {
            if (!cancelled)
                throw new DataMisalignedException("planned");
            source.Cancel();
        }
    }

    [Fact]
    public void FitParts_HostOfOneRankEndsExecution_EndsAll()
    {
        Exception?[] failures = ThreadCollective.Failures(Ranks, job =>
        {
            var ml = new MLContext(1);
            Options options = Usual(job);
            options.EpochCompleted = progress =>
            {
                if (job.Rank == 1 && progress.Report.Epoch == 3)
                    ml.CancelExecution();
            };
            ml.Regression.Trainers.RmsProp(options).FitParts(job.Views(_parts));
        });

        Assert.All(failures, failure => Assert.IsAssignableFrom<OperationCanceledException>(failure));
    }

    [Fact]
    public void FitParts_OneRankIsCancelledAndOneFails_SaysTheFailure()
    {
        Exception?[] failures = ThreadCollective.Failures(Ranks, job =>
        {
            Options options = Usual(job);
            options.EpochCompleted = job.Rank switch
            {
                0 => _ => throw new DataMisalignedException("planned"),
                1 => _ => throw new OperationCanceledException("planned too"),
                _ => null,
            };
            Trainer(options).FitParts(job.Views(_parts));
        });

        Assert.IsType<DataMisalignedException>(failures[0]);
        Assert.IsType<OperationCanceledException>(failures[1]);
        Assert.Equal("Rank 0 of 3 has failed: planned", Assert.IsType<InvalidOperationException>(failures[2]).Message);
    }

    [Fact]
    public void FitParts_AfterAnEndedTraining_TrainsWithTheSameProcesses()
    {
        float[][] models = ThreadCollective.Run(Ranks, job =>
        {
            Options options = Usual(job);
            options.EpochCompleted = job.Rank == 1 ? _ => throw new DataMisalignedException("planned") : null;
            Assert.NotNull(Record.Exception(() => Trainer(options).FitParts(job.Views(_parts))));
            return Trainer(Usual(job)).FitParts(job.Views(_parts)).Parameters();
        });

        Assert.All(models, model =>
            Assert.Equal(ThreadCollective.Run(1, job => Trainer(Usual(job)).FitParts(job.Views(_parts)).Parameters())[0], model));
    }

    [Fact]
    public void FitParts_ProgressInOneRank_IsToldThereAndChangesNothing()
    {
        var progress = new ProgressCollector();
        int[] epochs = new int[Ranks];
        float[][] models = ThreadCollective.Run(Ranks, job =>
        {
            Options options = Usual(job);
            options.Progress = job.Rank == 1 ? progress : null;
            options.EpochCompleted = job.Rank == 1 ? _ => epochs[1]++ : null;
            return Trainer(options).FitParts(job.Views(_parts)).Parameters();
        });

        Options alone = Usual(LocalCollective.Instance);
        alone.EpochCompleted = _ => { };
        float[] expected = ThreadCollective.Run(1, job => Trainer(alone).FitParts(job.Views(_parts)).Parameters())[0];
        Assert.All(models, model => Assert.Equal(expected, model));
        Assert.Equal([0, alone.NumberOfEpochs!.Value, 0], epochs);
        Assert.Equal((TrainingPhase.Reading, TrainingPhase.Training), (progress.Reports[0].Phase, progress.Reports[^1].Phase));
        Assert.Equal((1.0, 8 * 500L), (progress.Reports[^1].ShareDone, progress.Reports[^1].Rows));      // over all ranks
    }

    private static Options Usual(ICollective job) => new() { Collective = job, NumberOfEpochs = 8, BatchSize = 32 };

    private static RmsPropRegressionTrainer Trainer(Options options) => new MLContext(1).Regression.Trainers.RmsProp(options);

    private static IDataView View(IEnumerable<Example> rows) => Examples.View(new MLContext(1), rows, 4);

    private static Example SomeRow(int width) =>
        new() { Features = Examples.Sparse([.. Enumerable.Range(1, width).Select(i => (float)i)]), Label = 1 };

    private static IEnumerable<Example> Throwing()
    {
        yield return SomeRow(4);
        throw new DataMisalignedException("planned");
    }

    private sealed class ThrowingProgress : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Phase == TrainingPhase.Training)
                throw new DataMisalignedException("planned");
        }
    }
}
