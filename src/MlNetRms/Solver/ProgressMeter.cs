using MlNetRms.Jobs;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Checks whether the host has cancelled, and reports progress a few times per second, while rows are read and steps are taken. Runs on the thread
/// that called <c>Fit</c>.
/// </summary>
/// <param name="receiver">Receives the reports; null for none.</param>
/// <param name="clock">The clock.</param>
/// <param name="checkAlive">Throws if the host has cancelled the training.</param>
internal sealed class ProgressMeter(IProgress<TrainingProgress>? receiver, TimeProvider clock, Action checkAlive)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(0.25);

    private TrainingPhase _phase;
    private long? _rowsToRead;
    private TrainingPlan _plan;
    private double _rowsPerStep;
    private double _lossFactor;
    private long _firstStep;
    private int _epoch;
    private long _step;
    private long _rows;
    private long _reportedRows;
    private long _beginTime;
    private long _reportTime;
    private LossSum _losses;
    private LossSum _lossesOfEpoch;

    /// <param name="rowCount">Returns the number of rows to read, or null if unknown. Called only if there is a receiver.</param>
    public void BeginReading(Func<long?> rowCount)
    {
        if (receiver is null)
            return;
        _rowsToRead = rowCount();
        Begin(TrainingPhase.Reading);
    }

    /// <param name="rows">Rows read since the last call.</param>
    public void AddRead(long rows)
    {
        checkAlive();
        _rows += rows;
        ReportIfDue();
    }

    /// <param name="plan">How long the training is.</param>
    /// <param name="rowCount">Rows per epoch.</param>
    /// <param name="lossFactor">Factor from losses in training units to reported losses.</param>
    /// <param name="step">Steps done already.</param>
    public void BeginTraining(TrainingPlan plan, long rowCount, double lossFactor, long step)
    {
        _plan = plan;
        _rowsPerStep = (double)rowCount / plan.StepsPerEpoch;
        _lossFactor = lossFactor;
        _firstStep = _step = step;
        _epoch = (int)Math.Min(step / plan.StepsPerEpoch + 1, plan.NumberOfEpochs);
        Begin(TrainingPhase.Training);
    }

    /// <param name="epoch">The current epoch, from 1.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="losses">The losses of the epoch so far.</param>
    public void Step(int epoch, long step, LossSum losses)
    {
        checkAlive();
        (_epoch, _step, _rows) = (epoch, step, (long)((step - _firstStep) * _rowsPerStep));
        _losses += losses - _lossesOfEpoch;
        _lossesOfEpoch = losses;
        ReportIfDue();
    }

    /// <inheritdoc cref="Step"/>
    public void EpochDone(int epoch, long step, LossSum losses)
    {
        Step(epoch, step, losses);
        _lossesOfEpoch = default;
    }

    /// <summary>The training has ended, possibly before its last epoch.</summary>
    public void End() => Report(ended: true);

    private void Begin(TrainingPhase phase)
    {
        _phase = phase;
        _rows = _reportedRows = 0;
        _losses = _lossesOfEpoch = default;
        _beginTime = _reportTime = clock.GetTimestamp();
        Report(ended: false);
    }

    private void ReportIfDue()
    {
        if (receiver is not null && clock.GetElapsedTime(_reportTime) >= _interval)
            Report(ended: false);
    }

    private void Report(bool ended)
    {
        if (receiver is null)
            return;
        long now = clock.GetTimestamp();
        TimeSpan elapsed = clock.GetElapsedTime(_beginTime, now);
        double seconds = clock.GetElapsedTime(_reportTime, now).TotalSeconds;
        bool reading = _phase == TrainingPhase.Reading;
        double? share = ended ? 1
            : !reading ? (double)_step / _plan.TotalSteps
            : _rowsToRead > 0 ? Math.Min((double)_rows / _rowsToRead.Value, 1) : null;
        double? shareOfThis = reading ? share : (double)(_step - _firstStep) / Math.Max(_plan.TotalSteps - _firstStep, 1);
        receiver.Report(new TrainingProgress
        {
            Phase = _phase,
            ShareDone = share,
            Epoch = _epoch,
            NumberOfEpochs = _plan.NumberOfEpochs,
            Step = _step,
            TotalSteps = _plan.TotalSteps,
            Rows = _rows,
            RowsPerSecond = seconds > 0 ? (_rows - _reportedRows) / seconds : 0,
            RunningLoss = _losses.Weight > 0 ? _lossFactor * _losses.Mean : null,
            Elapsed = elapsed,
            TimeLeft = ended ? TimeSpan.Zero : shareOfThis > 0 ? elapsed * (1 / shareOfThis.Value - 1) : null,
        });
        (_reportTime, _reportedRows, _losses) = (now, _rows, default);
    }
}
