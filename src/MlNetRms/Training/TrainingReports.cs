using MlNetRms.Data;
using MlNetRms.Model;

namespace MlNetRms.Training;

internal static class TrainingReports
{
    /// <summary>The report of a training that has ended.</summary>
    public static TrainingReport Create(TrainingRows rows, TrainingRun run, FitResult result, FitStatistics statistics, TimeSpan readingTime) => new()
    {
        Epochs = run.History.Reports,
        StopReason = result.StopReason,
        ReturnedEpoch = result.ReturnedEpoch,
        BatchSize = run.Plan.BatchSize,
        StepsPerEpoch = run.Plan.StepsPerEpoch,
        TotalSteps = run.Plan.TotalSteps,
        RowsRead = rows.Counts.Read,
        RowsUsed = rows.Training.RowCount,
        ValidationRows = rows.Validation?.RowCount ?? 0,
        RowsSkippedForLabel = rows.Counts.BadLabel,
        RowsSkippedForWeight = rows.Counts.BadWeight,
        RowsSkippedForFeatures = rows.Counts.BadFeatures,
        LearningRate = run.LearningRate,
        L2Regularization = run.L2,
        DecorrelatedFeatures = run.Coordinates.Transform is Decorrelation ? rows.Layout.DenseCount : 0,
        LeadingDirections = run.Coordinates.Transform is LeadingDecorrelation leading ? leading.DirectionCount : 0,
        DroppedDirections = run.Coordinates.Transform is Decorrelation decorrelation ? decorrelation.DroppedCount : 0,
        ConditionNumber = run.Coordinates.ConditionNumber,
        TrainingLoss = statistics.Loss,
        MeanPredictorLoss = statistics.ConstantLoss,
        RSquared = statistics.RSquared,
        ResidualStandardDeviation = statistics.ResidualStandardDeviation,
        ConstantFeatures = rows.Scaling.ConstantColumnCount,
        SparseFeatures = rows.Layout.SparseCount,
        UpdatedTouchedOnly = rows.Layout.SparseCount > 0 && run.UpdatesTouchedOnly,
        NumberOfThreads = run.NumberOfThreads,
        ReadingTime = readingTime,
        TrainingTime = run.History.Elapsed,
    };
}
