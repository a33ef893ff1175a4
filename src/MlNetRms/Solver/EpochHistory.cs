using System.Diagnostics;
using MlNetRms.Rows;

namespace MlNetRms.Solver;

/// <summary>The reports of the epochs. In a training with very many epochs only some are kept, evenly spaced.</summary>
/// <param name="numberOfEpochs">Planned epochs.</param>
/// <param name="rowCount">Rows per epoch.</param>
/// <param name="lossFactor">Factor from losses in training units to reported losses.</param>
internal sealed class EpochHistory(int numberOfEpochs, long rowCount, double lossFactor)
{
    /// <summary>The most reports that are kept. A training on one row can run a million epochs per second.</summary>
    public const int MostReports = 10_000;

    private readonly List<EpochReport> _reports = [];
    private long _start = Stopwatch.GetTimestamp();
    private TimeSpan _before;
    private TimeSpan _previous;
    private int _spacing = 1;

    /// <summary>Rows per epoch.</summary>
    public long RowCount => rowCount;

    /// <summary>Factor from losses in training units to reported losses.</summary>
    public double LossFactor => lossFactor;

    /// <summary>
    /// The reports of all epochs; if there are too many, of the first, the last, and those whose number is a multiple of a power of two.
    /// </summary>
    public IReadOnlyList<EpochReport> Reports => _reports;

    /// <summary>Time since <see cref="Start"/>, plus the time before a restored run was saved.</summary>
    public TimeSpan Elapsed => _before + Stopwatch.GetElapsedTime(_start);

    /// <summary>Starts the clock.</summary>
    public void Start() => _start = Stopwatch.GetTimestamp();

    /// <summary>Continues a saved run.</summary>
    /// <param name="reports">Its reports.</param>
    /// <param name="elapsed">Time from its start until it was saved.</param>
    public void Restore(IReadOnlyList<EpochReport> reports, TimeSpan elapsed)
    {
        _reports.AddRange(reports);
        _spacing = reports.Count > 2 ? Math.Max(1, reports[2].Epoch - reports[1].Epoch) : 1;
        _previous = reports.Count > 0 ? reports[^1].Elapsed : TimeSpan.Zero;
        _before = elapsed;
    }

    public EpochReport Add(EpochResult result)
    {
        TimeSpan elapsed = Elapsed;
        double seconds = (elapsed - _previous).TotalSeconds;
        _previous = elapsed;
        var report = new EpochReport
        {
            Epoch = result.Epoch,
            NumberOfEpochs = numberOfEpochs,
            Step = result.Step,
            Loss = lossFactor * result.Loss,
            ValidationLoss = lossFactor * result.ValidationLoss,
            LearningRate = result.LearningRate,
            Elapsed = elapsed,
            RowsPerSecond = rowCount / Math.Max(seconds, 1e-9),
        };
        if (_reports.Count > 1 && !IsKept(_reports[^1]))
            _reports[^1] = report;
        else
            _reports.Add(report);
        if (_reports.Count > MostReports)
        {
            _spacing *= 2;
            _reports.RemoveAll(kept => kept != report && !IsKept(kept));
        }
        return report;
    }

    /// <summary>Whether a report is kept when a later one is added.</summary>
    private bool IsKept(EpochReport report) => report.Epoch == 1 || report.Epoch % _spacing == 0;
}

internal static class TrainingReports
{
    /// <summary>The report of a finished training.</summary>
    public static TrainingReport Create(TrainingRows rows, TrainingRun run, FitResult result, FitStatistics statistics, TimeSpan readingTime) => new()
    {
        Epochs = run.History.Reports,
        StopReason = result.StopReason,
        ReturnedEpoch = result.ReturnedEpoch,
        BatchSize = run.Plan.BatchSize,
        StepsPerEpoch = run.Plan.StepsPerEpoch,
        TotalSteps = (long)run.MostEpochs * run.Plan.StepsPerEpoch,
        RowsRead = rows.Counts.Read,
        RowsUsed = rows.Training.RowCount,
        ValidationRows = rows.Validation?.RowCount ?? 0,
        RowsSkippedForLabel = rows.Counts.BadLabel,
        RowsSkippedForWeight = rows.Counts.BadWeight,
        RowsSkippedForFeatures = rows.Counts.BadFeatures,
        LearningRate = run.LearningRate.Initial,
        L2Regularization = run.L2,
        DecorrelatedFeatures = run.LastCoordinates.IsOfAllColumns ? rows.Layout.ColumnCount
            : run.LastCoordinates.Whitening?.Whitening is null ? 0 : rows.Layout.DenseCount,
        DroppedDirections = run.LastCoordinates.Whitening?.Whitening?.DroppedCount ?? 0,
        ConditionNumber = run.Coordinates.ConditionNumber,
        TrainingLoss = statistics.Loss,
        MeanPredictorLoss = statistics.ConstantLoss,
        RSquared = statistics.RSquared,
        ResidualStandardDeviation = statistics.ResidualStandardDeviation,
        OptimalityGap = result.GapShare is not { } share ? null
            : new OptimalityGap(share, result.Gap.Method == GapMethod.Covariance, run.IsSquared),
        Diagnostics = new TrainingDiagnostics(result.Gap.GradientNorm, result.Tolerance, run.NumberOfRounds),
        ConstantFeatures = rows.Scaling.ConstantColumnCount,
        SparseFeatures = rows.Layout.SparseCount,
        UpdatedLazily = rows.Layout.SparseCount > 0 && run.UpdatesLazily,
        NumberOfThreads = run.NumberOfThreads,
        ReadingTime = readingTime,
        TrainingTime = run.History.Elapsed,
    };
}
