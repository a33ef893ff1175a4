using MlNetRms.Jobs;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Reports to <see cref="Options.Progress"/>, on a clock controlled by the tests.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class ProgressTests
{
    /// <summary>The longest time between two reports; a clock that advances by it makes every check a report.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(0.25);

    private readonly MLContext _ml = new(1);
    private readonly ProgressCollector _collector = new();
    private readonly Examples _rows = Some.Linear(1, 2000, 1000);

    [Fact]
    public void Fit_ClockThatFlies_ReportsReadingAndTrainingWithinAnEpochToo()
    {
        TrainingReport training = Fit(_interval, _rows.View(_ml)).Training;

        TrainingProgress[] reading = [.. _collector.Reports.TakeWhile(report => report.Phase == TrainingPhase.Reading)];
        TrainingProgress[] steps = [.. _collector.Reports.Skip(reading.Length)];
        Assert.True(reading.Length > 3 && steps.Length > 10, $"{reading.Length} and {steps.Length} reports");
        Assert.All(steps, report =>
            Assert.Equal((TrainingPhase.Training, 2, training.TotalSteps), (report.Phase, report.NumberOfEpochs, report.TotalSteps)));
        Assert.Equal((0, 0L, 0L), (reading[0].Epoch, reading[0].Step, reading[0].Rows));
        Assert.Equal(2000, reading[^1].Rows);
        Assert.All([reading, steps], reports => Assert.Equal(reports.OrderBy(report => report.Rows), reports));
        Assert.Contains(steps, report => report is { Epoch: 1, Step: > 0 } && report.Step < training.StepsPerEpoch);
        Assert.Contains(steps, report => report.Epoch == 2 && report.Step > training.StepsPerEpoch && report.Step < training.TotalSteps);
        Assert.Equal((0.0, 1.0, training.TotalSteps, TimeSpan.Zero), (steps[0].ShareDone, steps[^1].ShareDone, steps[^1].Step, steps[^1].TimeLeft));
        Assert.Equal(2 * 2000, steps[^1].Rows);
    }

    [Fact]
    public void Fit_ClockThatStandsStill_ReportsTheBeginningsAndTheEnd()
    {
        Fit(TimeSpan.Zero, _rows.View(_ml));

        Assert.Equal([(TrainingPhase.Reading, null), (TrainingPhase.Training, 0), (TrainingPhase.Training, 1.0)],
            _collector.Reports.Select(report => (report.Phase, report.ShareDone)));
    }

    [Fact]
    public void Fit_DataThatKnowsItsRowCount_ReportsTheShareRead()
    {
        IDataView view = _ml.Data.Cache(_rows.View(_ml));
        Assert.Equal(2000, _ml.Data.CreateEnumerable<Example>(view, reuseRowObject: true).Count());        // fills the cache
        Assert.Equal(2000, view.GetRowCount());

        Fit(_interval, view);

        TrainingProgress[] reading = [.. _collector.Reports.Where(report => report.Phase == TrainingPhase.Reading)];
        Assert.Equal(reading.Select(report => (double?)report.Rows / 2000), reading.Select(report => report.ShareDone));
        Assert.Equal(1, reading[^1].ShareDone);
    }

    /// <summary>A loss with derivative 0 leaves the weights at 0, so each row's loss is that of the prediction 0 in every step.</summary>
    [Fact]
    public void Fit_RunningLosses_AddUpToThoseOfTheEpochs()
    {
        var loss = new LossOf((_, label) => 1 + label * label, (_, _) => 0);
        Options options = Options(_interval);
        options.LossFunction = loss;
        options.Standardize = false;
        _ml.Regression.Trainers.RmsProp(options).Fit(_rows.View(_ml));

        TrainingProgress[] steps = [.. _collector.Reports.Where(report => report.Phase == TrainingPhase.Training)];
        double sum = 0;
        for (int i = 1; i < steps.Length; i++)
            sum += (steps[i].Rows - steps[i - 1].Rows) * steps[i].RunningLoss.GetValueOrDefault();

        double expected = 2 * _rows.Labels.Sum(label => 1 + (double)label * label);
        Assert.Equal(expected, sum, 2e-3 * expected);        // batches of 10 rows, rounded to whole rows
    }

    [Fact]
    public void Fit_StoppedByTheCallback_EndsWithAReportOfTheEnd()
    {
        Options options = Options(TimeSpan.Zero);
        options.EpochCompleted = progress => progress.Stop();

        _ml.Regression.Trainers.RmsProp(options).Fit(_rows.View(_ml));

        TrainingProgress last = _collector.Reports[^1];
        Assert.Equal((1.0, 1, 2), (last.ShareDone, last.Epoch, last.NumberOfEpochs));
        Assert.True(last.Step < last.TotalSteps);
    }

    [Fact]
    public void Fit_WithProgress_GivesTheSameModel()
    {
        float[] with = Fit(_interval, _rows.View(_ml)).Parameters();

        Assert.Equal(_rows.Fit(new() { BatchSize = 10, NumberOfEpochs = 2, Decorrelate = false }).Parameters(), with);
    }

    [Fact]
    public void Fit_ProgressThrows_EndsWithThatException()
    {
        var thrown = new InvalidDataException("from progress");
        RmsPropRegressionTrainer trainer = _ml.Regression.Trainers.RmsProp(new Options { Progress = new Throwing(thrown) });

        Assert.Same(thrown, Assert.Throws<InvalidDataException>(() => trainer.Fit(_rows.View(_ml))));
    }

    [Fact]
    public void Step_KnownTimes_GivesPaceAndTimeLeft()
    {
        // Each call of the clock is a second: one to begin, one to check if a report is due, one to report.
        var meter = new ProgressMeter(_collector, new SteppingClock(TimeSpan.FromSeconds(1)), () => { });
        meter.BeginTraining(new TrainingPlan(BatchSize: 10, StepsPerEpoch: 50, NumberOfEpochs: 2, AveragedSteps: 0), rowCount: 500, lossFactor: 2,
            step: 0);
        meter.Step(1, 25, new LossSum(50, 25));

        TrainingProgress report = _collector.Reports[^1];

        Assert.Equal((0.25, 1, 25L, 250L), (report.ShareDone, report.Epoch, report.Step, report.Rows));
        Assert.Equal(4, report.RunningLoss);
        Assert.Equal(TimeSpan.FromSeconds(3), report.Elapsed);
        Assert.Equal(TimeSpan.FromSeconds(9), report.TimeLeft);
        Assert.Equal(250 / 2.0, report.RowsPerSecond);
        Assert.Equal("Training 25 %: epoch 1 of 2, step 25 of 100, loss 4, 125 rows/s, 9.0 s left", report.ToString());
    }

    [Fact]
    public void ToString_OfReading_SaysTheRows()
    {
        var meter = new ProgressMeter(_collector, new SteppingClock(TimeSpan.FromSeconds(1)), () => { });
        meter.BeginReading(() => null);
        meter.AddRead(500);

        Assert.Equal("Reading: 500 rows, 250 rows/s", _collector.Reports[^1].ToString());
    }

    private RmsPropRegressionTransformer Fit(TimeSpan clockStep, IDataView view) => _ml.Regression.Trainers.RmsProp(Options(clockStep)).Fit(view);

    private Options Options(TimeSpan clockStep) => new()
    {
        BatchSize = 10,
        NumberOfEpochs = 2,
        Decorrelate = false,
        Progress = _collector,
        Clock = new SteppingClock(clockStep),
    };

    private sealed class Throwing(Exception exception) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => throw exception;
    }
}
