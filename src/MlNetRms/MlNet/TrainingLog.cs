using Microsoft.ML.Runtime;
using MlNetRms.Data;
using MlNetRms.Settings;

namespace MlNetRms.MlNet;

/// <summary>What a training tells <c>mlContext.Log</c>.</summary>
internal sealed class TrainingLog(IChannel channel)
{
    /// <summary>A training can have a thousand epochs a second; logging each would flood the log.</summary>
    private static readonly TimeSpan _shortestInterval = TimeSpan.FromSeconds(0.5);

    private TimeSpan _lastLine = -_shortestInterval;

    /// <param name="rows">What was read.</param>
    /// <param name="what">"rows" or "validation rows".</param>
    /// <param name="columns">Their columns.</param>
    public void SkippedRows(RowCounts rows, string what, ColumnSettings columns)
    {
        if (rows.Skipped == 0)
            return;
        string weightReason = columns.Weight is { } column ? $", {rows.BadWeight} for the weight ('{column}', missing, infinite or not above 0)" : "";
        channel.Warning(MessageSensitivity.Schema, "{0}",
            $"Skipped {rows.Skipped} of {rows.Read} {what}: {rows.BadLabel} for the label ('{columns.Label}', missing or infinite)" +
            $"{weightReason}, {rows.BadFeatures} for the features ('{columns.Features}', missing or infinite).");
    }

    public void Epoch(EpochReport report)
    {
        if (report.Elapsed - _lastLine < _shortestInterval)
            return;
        _lastLine = report.Elapsed;
        string validation = report.ValidationLoss is { } loss ? FormattableString.Invariant($", validation loss {loss:g6}") : "";
        Info(FormattableString.Invariant(
            $"Epoch {report.Epoch} of {report.NumberOfEpochs}, step {report.Step}: loss {report.Loss:g6}{validation}, ") +
            FormattableString.Invariant(
                $"learning rate {report.LearningRate:g3}, {report.RowsPerSecond:g3} rows/s, {report.Elapsed.TotalSeconds:f1} s."));
    }

    public void Trained(TrainingReport report)
    {
        EpochReport last = report.Epochs[^1];
        Info(FormattableString.Invariant(
            $"Trained on {report.RowsUsed} rows for {last.Epoch} epochs ({last.Step} steps); loss of the last epoch {last.Loss:g6}."));
    }

    private void Info(string message) => channel.Info(MessageSensitivity.None, "{0}", message);
}
