using Microsoft.ML.Runtime;
using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Host;

/// <summary>Writes the messages of a training to <c>mlContext.Log</c>.</summary>
internal sealed class TrainingLog(IChannel channel)
{
    /// <summary>A training can have a thousand epochs per second; logging each would flood the log.</summary>
    private static readonly TimeSpan _shortestInterval = TimeSpan.FromSeconds(0.5);

    /// <summary>Allows for rounding: penalties or a bound can make the model the mean itself, from the first epoch to the last.</summary>
    private const double Rounding = 1e-6;

    private TimeSpan _lastLine = -_shortestInterval;

    /// <param name="rows">What was read.</param>
    /// <param name="what">"rows" or "validation rows".</param>
    /// <param name="columns">Their columns.</param>
    public void WarnOfSkippedRows(RowCounts rows, string what, ColumnSettings columns)
    {
        if (rows.Skipped == 0)
            return;
        string weightReason = columns.Weight is { } column ? $", {rows.BadWeight} for the weight ('{column}', missing, infinite or not above 0)" : "";
        channel.Warning(MessageSensitivity.Schema, "{0}",
            $"Skipped {rows.Skipped} of {rows.Read} {what}: {rows.BadLabel} for the label ('{columns.Label}', missing or infinite)" +
            $"{weightReason}, {rows.BadFeatures} for the features ('{columns.Features}', missing or infinite).{Remedy(rows, columns)}");
    }

    private static string Remedy(RowCounts rows, ColumnSettings columns)
    {
        string features = rows.BadFeatures == 0 ? ""
            : $" mlContext.Transforms.ReplaceMissingValues(\"{columns.Features}\", " +
                "replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean) before the trainer fills missing features.";
        string label = rows.BadLabel == 0 ? ""
            : $" mlContext.Data.FilterRowsByMissingValues(data, \"{columns.Label}\") leaves rows without a label out on purpose.";
        return features + label;
    }

    /// <param name="path">The checkpoint.</param>
    /// <param name="state">Where it was written.</param>
    public void SayResumed(string path, TrainingState state) => Info(FormattableString.Invariant(
        $"Continues from the checkpoint '{path}': {state.Epoch} of {state.Plan.NumberOfEpochs} epochs and {state.Part.Steps} steps are done."));

    /// <summary>Warns that a cancelled training could not be saved.</summary>
    public void WarnOfUnsaved(string path, Exception cause) =>
        Warn($"Training was cancelled, and its checkpoint '{path}' could not be written: {cause.Message}");

    /// <summary>Warns that a checkpoint that is no longer needed is still there.</summary>
    public void WarnOfFileLeft(string path, Exception cause) =>
        Warn($"Training is finished, but its checkpoint '{path}' could not be removed: {cause.Message}");

    /// <summary>Warns if early stopping cannot end the training.</summary>
    public void WarnOfPatience(StoppingSettings? stopping, TrainingPlan plan)
    {
        if (stopping is null || plan.PatienceInEpochs(stopping) < plan.NumberOfEpochs)
            return;
        Warn("Early stopping chooses the best epoch but cannot end this training: " +
            $"Patience {stopping.Patience} is {plan.PatienceInEpochs(stopping)} epochs of {plan.StepsPerEpoch} steps, " +
            $"and {plan.NumberOfEpochs} are planned. Lower Patience or raise NumberOfEpochs.");
    }

    public void SayEpoch(EpochReport report)
    {
        if (report.Elapsed - _lastLine < _shortestInterval)
            return;
        _lastLine = report.Elapsed;
        Info($"{report}.");
    }

    public void SayTrained(TrainingReport report)
    {
        EpochReport last = report.Epochs[^1];
        Info(FormattableString.Invariant(
            $"Trained on {report.RowsUsed} rows for {last.Epoch} epochs ({last.Step} steps); loss of the last epoch {last.Loss:g6}."));
    }

    /// <summary>Warns if there is something to warn of.</summary>
    public void WarnIf(string? warning)
    {
        if (warning is not null)
            Warn(warning);
    }

    /// <summary>Warns if the model is worse than it should be, with the figure and the remedy.</summary>
    /// <param name="report">What happened.</param>
    /// <param name="gap">How far the model is from the optimum.</param>
    /// <param name="causes">The possible causes.</param>
    /// <param name="lossOfRounding">What of the loss is due to rounding.</param>
    public void WarnOfDoubts(TrainingReport report, Gap gap, Causes causes, double lossOfRounding)
    {
        double first = report.Epochs[0].Loss;
        double last = report.Epochs[^1].Loss;
        if (causes.FindUnequalWeights() is { } weights)
            Warn(weights);
        else if (IsAbove(report.TrainingLoss - lossOfRounding, report.MeanPredictorLoss))
        {
            string remedy = FormattableString.Invariant($"Lower LearningRate (it was {report.LearningRate:g3}), ") +
                "let it fall (LearningRateSchedule), or train for more epochs.";
            Warn("The model is worse than the mean of the label: " +
                FormattableString.Invariant($"its loss on the training rows is {report.TrainingLoss:g6}, ") +
                FormattableString.Invariant($"that of the mean {report.MeanPredictorLoss:g6}. ") +
                (causes.FindBadStart(report.MeanPredictorLoss) ?? remedy));
        }
        else if (causes.FindGap(report, gap) is { } far)
            Warn(far);
        else if (IsAbove(last, first))
            Warn(FormattableString.Invariant($"The loss rose from {first:g6} in the first epoch to {last:g6} in the last. ") +
                FormattableString.Invariant($"Lower LearningRate (it was {report.LearningRate:g3}) or let it fall (LearningRateSchedule)."));
    }

    /// <summary>Also if one of them is NaN.</summary>
    private static bool IsAbove(double loss, double other) => !(loss <= other + Rounding * Math.Abs(other));

    private void Warn(string message) => channel.Warning(MessageSensitivity.None, "{0}", message);

    private void Info(string message) => channel.Info(MessageSensitivity.None, "{0}", message);
}
