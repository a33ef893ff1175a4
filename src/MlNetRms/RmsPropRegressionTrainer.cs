using System.Diagnostics;
using System.Numerics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Jobs;
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
/// var rows = Enumerable.Range(0, 500).Select(i =&gt; new House
/// {
///     Size = new float[] { 40 + i % 90, i % 7 },
///     Price = 1000 * (i % 90) + 50 * (i % 11),
/// });
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
        _options = options.CheckedCopy(MlNetInternals.SeedOf(environment));
        _settings = _options.ToSettings();
        _host = environment.Register(nameof(RmsPropRegressionTrainer));
        Info = MlNetInternals.NewTrainerInfo(needNormalization: !_settings.Reading.Standardize, wantCaching: false);
    }

    /// <summary>
    /// Whether the features should be normalized beforehand (not while <see cref="Options.Standardize"/> is on); caching is not needed.
    /// </summary>
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

    private RmsPropRegressionTransformer TrainInJob(TrainingInput input)
    {
        var job = new Job(_options.Collective ?? LocalCollective.Instance);
        try
        {
            RmsPropRegressionTransformer model = Train(input, new Shards(job, input.Parts.Count));
            job.Agree();
            return model;
        }
        catch (Exception exception)
        {
            job.Fail(exception);
            throw;
        }
    }

    private RmsPropRegressionTransformer Train(TrainingInput input, Shards shards)
    {
        Job job = shards.Job;
        DataViewSchema schema = input.Parts[0].Schema;
        InputColumns columns = SchemaChecks.Find(schema, _settings.Columns, input.Parameter);
        var parts = new ShardViews(input.Parts,
            part => SchemaChecks.FindAlike(part, columns, _settings.Columns, input.Parameter, SchemaChecks.InAnotherPart));
        ShardViews? validation = FindValidation(input, columns);
        Checks.CheckWidth(columns);
        Checks.CheckStart(columns, input.Start, _settings);
        Checks.CheckEarlyStopping(_settings, validation is not null);
        Agreement.Check(job, WhatMustAgree(columns, validation is not null, input.Start));
        Options shared = WithCallbackOfAny(job);
        TrainingSettings settings = _settings with { HasEpochCallback = shared.EpochCompleted is not null };

        using IChannel channel = _host.Start("Training");
        var log = new TrainingLog(channel);
        using Checkpoint? checkpoint = settings.Checkpoint is not { } file ? null : new Checkpoint(
            file, TrainingConditions.BeforeReading(columns.FeatureCount, OptionTable.Compared(shared, Same.Checkpoint)), job, _createCheckpoint);
        var progress = new ProgressMeter(_options.Progress, _options.Clock, () => MlNetInternals.CheckAlive(_host));
        long startTime = Stopwatch.GetTimestamp();
        using TrainingRows rows = ReadRows(parts, shards, validation, input.Start, log, progress, input.Cancellation);
        TimeSpan readingTime = Stopwatch.GetElapsedTime(startTime);

        using var run = new TrainingRun(rows, settings, input.Start, input.Cancellation, progress);
        var causes = new Causes(run, rows, input.Start, columns, settings, input.Cancellation);
        log.WarnOfPatience(settings.Stopping, run.Plan);
        try
        {
            if (checkpoint?.Begin(run, TrainingConditions.AfterReading(rows, input.Start, run, input.Cancellation)) is { } state)
                log.SayResumed(checkpoint.Path, state);
            FitResult result = run.Run(epoch => Report(epoch, log), checkpoint);
            RmsPropRegressionTransformer model = CreateModel(result, run, rows, readingTime, causes, schema, columns, log);
            // The file is needed until all processes have the model.
            job.Agree();
            End(checkpoint, log);
            return model;
        }
        catch (OperationCanceledException cancelled)
        {
            SaveCancelled(checkpoint, cancelled, log);
            throw;
        }
        catch (DivergedException diverged)
        {
            throw Checks.Diverged(diverged, causes, rows.Training, columns, settings);
        }
    }

    private ShardViews? FindValidation(TrainingInput input, InputColumns columns)
    {
        if (input.Validation is not { } views)
            return null;
        string parameter = views.Contains(_options.ValidationSet) ? nameof(Options.ValidationSet) : "validationData";
        return new ShardViews(views, schema => SchemaChecks.FindAlike(schema, columns, _settings.Columns, parameter, SchemaChecks.InValidation));
    }

    /// <summary>What must be the same in all processes of a job.</summary>
    private IReadOnlyList<NamedText> WhatMustAgree(InputColumns columns, bool hasValidationRows, TrainingStart start) =>
    [
        new("the length of the vector instructions", FormattableString.Invariant($"{8 * Vector<byte>.Count} bits")),
        new("the number of features", FormattableString.Invariant($"{columns.FeatureCount}")),
        .. OptionTable.Compared(_options, Same.Job),
        new("whether they have validation rows", hasValidationRows ? "some" : "none"),
        new("the weights they start from", start.Raw() is not { } raw ? "none"
            : ContentHash.Compute(file => file.Array<float>([.. raw.Weights, raw.Bias]))),
    ];

    /// <summary>The options with a callback in every process if any process has one, because it can end the training in all of them.</summary>
    private Options WithCallbackOfAny(Job job)
    {
        Options options = _options.Clone();
        if (job.Any(options.EpochCompleted is not null))
            options.EpochCompleted ??= _ => { };
        return options;
    }

    private RmsPropRegressionTransformer CreateModel(FitResult result, TrainingRun run, TrainingRows rows, TimeSpan readingTime,
        Causes causes, DataViewSchema schema, InputColumns columns, TrainingLog log)
    {
        (float[] weights, float bias) =
            rows.Scaling.ToRaw(result.Weights.AsSpan(..^1), result.Weights[^1], centerResiduals: _settings.Loss.IsSquared);
        Checks.CheckRange(weights, bias, result.Weights, rows.Scaling, columns);
        LinearRegressionModelParameters model = MlNetInternals.NewLinearModel(_host, rows.Scaling.Columns.ToFeatures(weights), bias);
        FitStatistics statistics = run.Evaluation.Evaluate(result.Weights, new ModelScorer(model).Score);
        TrainingReport report = TrainingReports.Create(rows, run, result, statistics, readingTime);
        log.SayTrained(report);
        log.WarnOfDoubts(report, result.Gap, causes, statistics.Rounding.LossChange);
        var doubts = new FloatDoubts(rows, columns);
        log.WarnIf(doubts.FindConstant());
        log.WarnIf(doubts.FindRounding(statistics.Rounding, weights));
        log.WarnIf(doubts.FindDropped(statistics.Dropped));
        return new RmsPropRegressionTransformer(model, report, result.State, statistics.StandardErrors, _host, schema, _settings.Columns.Features);
    }

    /// <summary>Saves a cancelled training. If this fails, the caller still gets the cancellation.</summary>
    /// <exception cref="OperationCanceledException">It could not be saved; the message and the inner exception say why.</exception>
    private static void SaveCancelled(Checkpoint? checkpoint, OperationCanceledException cancelled, TrainingLog log)
    {
        try
        {
            checkpoint?.Write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.WarnOfUnsaved(checkpoint!.Path, exception);
            throw new OperationCanceledException(
                $"{cancelled.Message} Its checkpoint could not be written: {exception.Message}", exception, cancelled.CancellationToken);
        }
    }

    /// <summary>Ends the checkpoint. The model exists by now, so a file that cannot be removed is only a warning.</summary>
    private static void End(Checkpoint? checkpoint, TrainingLog log)
    {
        try
        {
            checkpoint?.End();
        }
        catch (Exception exception) when ((exception is IOException or UnauthorizedAccessException) && !checkpoint!.IsKept)
        {
            log.WarnOfFileLeft(checkpoint.Path, exception);
        }
    }

    private TrainingRows ReadRows(ShardViews parts, Shards shards, ShardViews? validation, TrainingStart start, TrainingLog log,
        ProgressMeter progress, CancellationToken cancellation)
    {
        TrainingRows? rows = null;
        try
        {
            progress.BeginReading(() => parts.RowCount() + (validation is null ? 0 : validation.RowCount()));
            rows = TrainingRows.Read(parts.Open(progress.AddRead, cancellation), shards, parts.Columns.FeatureCount, _settings.Reading,
                start.Previous?.Scaling, cancellation);
            log.WarnOfSkippedRows(rows.Counts, "rows", _settings.Columns);
            if (validation is not null)
            {
                RowCounts counts = rows.ReadValidation(validation.Open(progress.AddRead, cancellation), new Shards(shards.Job, validation.Count),
                    cancellation);
                log.WarnOfSkippedRows(counts, "validation rows", _settings.Columns);
            }
            Checks.CheckEarlyStopping(_settings, rows);
            Checks.CheckUnits(rows.Scaling, start);
            return rows;
        }
        catch
        {
            // A cursor can throw even when it is disposed of.
            rows?.Dispose();
            throw;
        }
    }

    /// <returns>Whether to continue.</returns>
    private bool Report(EpochReport epoch, TrainingLog log)
    {
        log.SayEpoch(epoch);
        if (_options.EpochCompleted is null)
            return true;
        var progress = new EpochProgress(epoch);
        _options.EpochCompleted(progress);
        return !progress.IsStopRequested;
    }
}
