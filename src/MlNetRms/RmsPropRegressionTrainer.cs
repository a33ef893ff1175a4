using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms;

/// <summary>
/// Trains a linear regression by mini-batch RMSProp. Created by
/// <see cref="RmsPropCatalog.RmsProp(RegressionCatalog.RegressionTrainers, string, string, string?, IRegressionLoss?, float, float?, int?, int)"/>.
/// </summary>
/// <remarks>
/// <para>
/// Minimises the mean over the training rows of a loss, by default ½·(w·x + b − y)², plus the penalties ½·λ·‖w‖² and λ₁·Σ|w|,
/// by default none. With the default options features and label are standardised inside, so raw features need no
/// normalizer, and the result is close to the least-squares optimum. The update rule is that of <see cref="MlNetRms.RmsProp"/>.
/// </para>
/// <para>
/// Input: a feature column (vector of <see cref="float"/>, known size), a label column (<see cref="float"/>), and,
/// optionally, a weight column (<see cref="float"/>). Output: a column "Score" (<see cref="float"/>). The data is read once, and
/// rows with a missing or infinite value, or a weight not above 0, are skipped, counted in the
/// <see cref="TrainingReport"/>, and mentioned in one warning.
/// </para>
/// <para>
/// Stateless and thread-safe: fitting changes neither the trainer nor its options. The same data, options and seed give
/// the same model, bit for bit, on machines with the same vector instructions.
/// </para>
/// </remarks>
/// <example>
/// <code>
/// using Microsoft.ML;
/// using MlNetRms;
///
/// var ml = new MLContext(seed: 1);
/// var rows = Enumerable.Range(0, 500).Select(i =&gt; new House { Size = new float[] { 40 + i % 90, i % 7 }, Price = 1000 * (i % 90) + 50 * (i % 11) });
/// var split = ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(rows), testFraction: 0.2);
/// RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp("Price", "Size");
///
/// using var cancellation = new CancellationTokenSource(TimeSpan.FromMinutes(1));
/// RmsPropRegressionTransformer model = trainer.Fit(split.TrainSet, validationData: split.TestSet, cancellationToken: cancellation.Token);
/// Console.WriteLine(model.Training.Epochs[^1].ValidationLoss);
/// RmsPropRegressionTransformer further = trainer.Fit(split.TrainSet, previous: model);
/// Console.WriteLine(further.GetCoefficients());
///
/// class House
/// {
///     [Microsoft.ML.Data.VectorType(2)]
///     public float[] Size { get; set; } = [];
///
///     public float Price { get; set; }
/// }
/// </code>
/// </example>
public sealed partial class RmsPropRegressionTrainer : ITrainerEstimator<RmsPropRegressionTransformer, LinearRegressionModelParameters>
{
    private readonly IHost _host;
    private readonly Options _options;
    private readonly TrainingSettings _settings;
    private readonly Func<string, Stream>? _createCheckpoint;

    /// <param name="environment">The host.</param>
    /// <param name="options">The options; a copy is taken.</param>
    /// <param name="createCheckpoint">Opens a file for writing; tests give one that fails.</param>
    internal RmsPropRegressionTrainer(IHostEnvironment environment, Options options, Func<string, Stream>? createCheckpoint = null)
    {
        _createCheckpoint = createCheckpoint;
        ArgumentNullException.ThrowIfNull(options);
        _options = options.CheckedCopy();
        _settings = TrainingSettings.From(_options, MlNetInternals.SeedOf(environment));
        _host = environment.Register(nameof(RmsPropRegressionTrainer));
        Info = MlNetInternals.NewTrainerInfo(needNormalization: !_settings.Reading.Standardize, wantCaching: false);
    }

    /// <summary>Whether the features should be normalized beforehand (not while <see cref="Options.Standardize"/> is on); caching is not needed.</summary>
    public TrainerInfo Info { get; }

    /// <summary>The schema after scoring: the input's columns and "Score".</summary>
    /// <param name="inputSchema">The schema of the input.</param>
    /// <returns>The schema with the score column.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="inputSchema"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaChecks.Check(inputSchema, _settings.Columns, nameof(inputSchema));
        return SchemaChecks.WithScoreColumn(inputSchema);
    }

    /// <param name="input">This process's parts of the training rows.</param>
    /// <param name="validationData">Its parts of the validation rows, or null.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="parameter">What the caller's parameter for the training rows is called.</param>
    /// <param name="cancellation">Ends the training.</param>
    private RmsPropRegressionTransformer Train(IReadOnlyList<IDataView> input, IReadOnlyList<IDataView>? validationData, TrainingStart start,
        string parameter, CancellationToken cancellation)
    {
        var job = new Job(_options.Collective ?? LocalCollective.Instance);
        try
        {
            RmsPropRegressionTransformer trained = Train(new Shards(job, input.Count), input, validationData, start, parameter, cancellation);
            job.Agree();
            return trained;
        }
        catch (Exception exception)
        {
            job.Fail(exception);
            throw;
        }
    }

    private RmsPropRegressionTransformer Train(Shards job, IReadOnlyList<IDataView> input, IReadOnlyList<IDataView>? validationData, TrainingStart start,
        string parameter, CancellationToken cancellation)
    {
        InputColumns columns = SchemaChecks.Find(input[0].Schema, _settings.Columns, parameter);
        var parts = new ShardViews(input, schema => SchemaChecks.FindAlike(schema, columns, _settings.Columns, parameter, SchemaChecks.InAnotherPart));
        ShardViews? validation = validationData is null ? null : new(validationData, schema => SchemaChecks.FindAlike(schema, columns, _settings.Columns,
            validationData.Contains(_options.ValidationSet) ? nameof(Options.ValidationSet) : nameof(validationData), SchemaChecks.InValidation));
        TrainingChecks.Width(columns);
        TrainingChecks.Start(columns, start, _settings);
        TrainingChecks.EarlyStopping(_settings, validation is not null);
        Agreement.Alike(job.Job, _settings, columns, validation is not null, start);
        TrainingSettings settings = _settings with { HasEpochCallback = job.Job.Any(_settings.HasEpochCallback) };

        using IChannel channel = _host.Start("Training");
        var log = new TrainingLog(channel);
        using Checkpoint? checkpoint = settings.Checkpoint is not { } file ? null
            : new Checkpoint(file, TrainingConditions.Of(columns.FeatureCount, settings), job.Job, _createCheckpoint);
        var progress = new ProgressMeter(_options.Progress, _options.Clock, () => MlNetInternals.CheckAlive(_host));
        long startTime = Stopwatch.GetTimestamp();
        using TrainingRows rows = ReadRows(parts, job, validation, start, log, progress, cancellation);
        TimeSpan readingTime = Stopwatch.GetElapsedTime(startTime);

        using var run = new TrainingRun(rows, settings, start, cancellation, progress);
        var causes = new TrainingCauses(run, rows, start, columns, settings, cancellation);
        log.Patience(settings.Stopping, run.Plan);
        try
        {
            if (checkpoint?.Begin(run, TrainingConditions.Of(rows, start, run, cancellation)) is { } state)
                log.Resumed(checkpoint.Path, state);
            FitResult result = run.Run(epoch => Report(epoch, log), checkpoint);
            RmsPropRegressionTransformer trained = Trained(result, run, rows, readingTime, causes, input[0].Schema, columns, log);
            // Until all have the model, the file is needed.
            job.Job.Agree();
            End(checkpoint, log);
            return trained;
        }
        catch (OperationCanceledException)
        {
            checkpoint?.Write();
            throw;
        }
        catch (DivergedException diverged)
        {
            throw TrainingChecks.Diverged(diverged, causes, rows.Training, columns, settings);
        }
    }

    private RmsPropRegressionTransformer Trained(FitResult result, TrainingRun run, TrainingRows rows, TimeSpan readingTime, TrainingCauses causes,
        DataViewSchema schema, InputColumns columns, TrainingLog log)
    {
        (float[] weights, float bias) = rows.Scaling.ToRaw(result.Weights.AsSpan(..^1), result.Weights[^1], centerResiduals: _settings.Loss.IsSquared);
        TrainingChecks.Range(weights, bias, result.Weights, rows.Scaling, columns);
        FitStatistics statistics = run.Evaluation.Of(result.Weights);
        TrainingReport report = TrainingReports.Create(rows, run, result, statistics, readingTime);
        log.Trained(report);
        log.Doubts(report, causes);
        return new RmsPropRegressionTransformer(MlNetInternals.NewLinearModel(_host, rows.Scaling.Columns.ToFeatures(weights), bias), report, result.State,
            statistics.StandardErrors, _host, schema, _settings.Columns.Features);
    }

    /// <summary>The model is there: a file that cannot be removed is no reason to lose it.</summary>
    private static void End(Checkpoint? checkpoint, TrainingLog log)
    {
        try
        {
            checkpoint?.End();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && !checkpoint!.IsKept)
        {
            log.NotRemoved(checkpoint.Path, exception);
        }
    }

    private TrainingRows ReadRows(ShardViews parts, Shards job, ShardViews? validation, TrainingStart start, TrainingLog log, ProgressMeter progress,
        CancellationToken cancellation)
    {
        TrainingRows? rows = null;
        try
        {
            progress.BeginReading(() => parts.RowCount() + (validation is null ? 0 : validation.RowCount()));
            rows = TrainingRows.Read(parts.Open(progress.AddRead, cancellation), job, parts.Columns.FeatureCount, _settings.Reading, start.Previous?.Scaling,
                cancellation);
            log.SkippedRows(rows.Counts, "rows", _settings.Columns);
            if (validation is not null)
            {
                RowCounts counts = rows.ReadValidation(validation.Open(progress.AddRead, cancellation), new Shards(job.Job, validation.Count), cancellation);
                log.SkippedRows(counts, "validation rows", _settings.Columns);
            }
            TrainingChecks.EarlyStopping(_settings, rows);
            return rows;
        }
        catch
        {
            // Also where a cursor throws when it is disposed of.
            rows?.Dispose();
            throw;
        }
    }

    /// <returns>Whether to continue.</returns>
    private bool Report(EpochReport epoch, TrainingLog log)
    {
        log.Epoch(epoch);
        if (_options.EpochCompleted is null)
            return true;
        var progress = new EpochProgress(epoch);
        _options.EpochCompleted(progress);
        return !progress.IsStopRequested;
    }
}
