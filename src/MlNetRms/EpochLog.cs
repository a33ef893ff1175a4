using System.Diagnostics;
using Microsoft.ML.Runtime;
using MlNetRms.Examples;
using MlNetRms.Losses;
using MlNetRms.Optimization;

namespace MlNetRms;

/// <summary>Keeps each epoch's report, shows it to the user's callback, and logs some of them.</summary>
internal sealed class EpochLog(IChannel channel, RmsPropRegressionTrainer.Options options, Standardizer standardizer, TrainingLength length, long rowCount)
{
    /// <summary>A training can have a thousand epochs a second; nobody reads as many lines.</summary>
    private static readonly TimeSpan _shortestInterval = TimeSpan.FromSeconds(0.5);

    private readonly double _lossFactor = StandardizedLoss.ReportFactor(options.LossFunction, standardizer);
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly List<EpochReport> _epochs = [];
    private TimeSpan _lastLine = -_shortestInterval;

    public IReadOnlyList<EpochReport> Epochs => _epochs;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_start);

    /// <summary>Takes in an epoch; returns whether training should go on.</summary>
    public bool Add(EpochResult result)
    {
        TimeSpan elapsed = Elapsed;
        double seconds = (elapsed - (_epochs.Count > 0 ? _epochs[^1].Elapsed : TimeSpan.Zero)).TotalSeconds;
        var report = new EpochReport(result.Epoch, length.NumberOfEpochs, result.Step, _lossFactor * result.Loss,
            _lossFactor * result.ValidationLoss, result.LearningRate, elapsed, rowCount / Math.Max(seconds, 1e-9));
        _epochs.Add(report);
        Log(report);

        var progress = new EpochProgress(report);
        options.EpochCompleted?.Invoke(progress);
        return !progress.IsStopRequested;
    }

    private void Log(EpochReport report)
    {
        if (report.Elapsed - _lastLine < _shortestInterval)
            return;
        _lastLine = report.Elapsed;
        string validation = report.ValidationLoss is { } loss ? FormattableString.Invariant($", validation loss {loss:g6}") : "";
        channel.Info(MessageSensitivity.None, "{0}", FormattableString.Invariant(
            $"Epoch {report.Epoch} of {report.NumberOfEpochs}, step {report.Step}: loss {report.Loss:g6}{validation}, ") +
            FormattableString.Invariant(
                $"learning rate {report.LearningRate:g3}, {report.RowsPerSecond:g3} rows/s, {report.Elapsed.TotalSeconds:f1} s."));
    }
}
