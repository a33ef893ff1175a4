using Microsoft.ML.Runtime;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

public sealed class CallbackTests
{
    private static readonly Examples _rows = Some.Linear(1, 300, 3);

    [Fact]
    public void EpochCompleted_EveryEpoch_IsCalledOnceInOrderOnTheCallersThreadWithTheReportsOwnValues()
    {
        var seen = new List<EpochReport>();
        var threads = new HashSet<int>();

        TrainingReport report = _rows.Fit(new()
        {
            NumberOfEpochs = 7,
            BatchSize = 100,
            ValidationFraction = 0.2f,
            EpochCompleted = progress =>
            {
                seen.Add(progress.Report);
                threads.Add(Environment.CurrentManagedThreadId);
            },
        }).Training;

        Assert.Equal(Environment.CurrentManagedThreadId, Assert.Single(threads));
        Assert.Equal(7, seen.Count);
        Assert.All(seen.Zip(report.Epochs), pair => Assert.Same(pair.Second, pair.First));
        Assert.Equal(Enumerable.Range(1, 7), seen.Select(epoch => epoch.Epoch));
        Assert.All(seen, epoch => Assert.Equal((7, 3L * epoch.Epoch), (epoch.NumberOfEpochs, epoch.Step)));
        Assert.All(seen, epoch => Assert.True(epoch.ValidationLoss > 0 && epoch.Loss > 0 && epoch.RowsPerSecond > 0));
        Assert.Equal(seen.Select(epoch => epoch.Elapsed).Order(), seen.Select(epoch => epoch.Elapsed));
        for (int epoch = 1; epoch <= 7; epoch++)        // the last of three steps
            Assert.Equal((float)(report.LearningRate * LearningRateSchedule.CosineThenConstant().Factor(3 * epoch - 1, 21)),
                seen[epoch - 1].LearningRate);
    }

    [Fact]
    public void Stop_InAnEpoch_EndsThereAndKeepsTheModel()
    {
        int calls = 0;
        RmsPropRegressionTransformer stopped = _rows.Fit(Plain(100, progress =>
        {
            calls++;
            if (progress.Report.Epoch == 3)
                progress.Stop();
        }));

        Assert.Equal(3, calls);
        Assert.Equal((StopReason.StoppedByCallback, 3, 3),
            (stopped.Training.StopReason, stopped.Training.ReturnedEpoch, stopped.Training.Epochs.Count));
        Assert.Equal(_rows.Fit(Plain(3, null)).Parameters(), stopped.Parameters());
    }

    [Fact]
    public void EpochCompleted_Throws_EndsFitUnchangedAndLeavesTrainerAndContextUsable()
    {
        var thrown = new InvalidDataException("in the callback");
        bool armed = true;
        var ml = new MLContext(1);
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(Plain(10, progress =>
        {
            if (armed && progress.Report.Epoch == 2)
                throw thrown;
        }));

        Assert.Same(thrown, Assert.Throws<InvalidDataException>(() => trainer.Fit(_rows.View(ml))));

        armed = false;
        Assert.Equal(_rows.Fit(Plain(10, null)).Parameters(), trainer.Fit(_rows.View(ml)).Parameters());
    }

    [Fact]
    public void Log_ThousandsOfEpochs_HasTheFirstOneAndAtMostAFewLinesASecond()
    {
        var ml = new MLContext(1);
        var log = new LogCollector(ml);

        TrainingReport report = ml.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 20_000, ValidationFraction = 0.3f })
            .Fit(_rows.Take(Enumerable.Range(0, 20)).View(ml)).Training;

        string[] lines = log.Messages(ChannelMessageKind.Info).Where(line => line.StartsWith("Epoch ", StringComparison.Ordinal)).ToArray();
        Assert.InRange(lines.Length, 1, 1 + 2 * report.TrainingTime.TotalSeconds);        // at least half a second between two lines
        EpochReport first = report.Epochs[0];
        Assert.StartsWith(FormattableString.Invariant(
            $"Epoch 1 of 20000, step 1: loss {first.Loss:g6}, validation loss {first.ValidationLoss:g6}, learning rate {report.LearningRate:g3}, "),
            lines[0], StringComparison.Ordinal);
    }

    private static Options Plain(int epochs, Action<EpochProgress>? completed) => new()
    {
        NumberOfEpochs = epochs,
        LearningRateSchedule = LearningRateSchedule.Constant,
        AveragedFraction = 0,
        EpochCompleted = completed,
    };
}
