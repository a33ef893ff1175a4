using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Data;
using MlNetRms.MlNet;
using MlNetRms.Settings;
using MlNetRms.Training;

namespace MlNetRms;

/// <summary>
/// Trains a linear regression by mini-batch RMSProp. Created by
/// <see cref="RmsPropCatalog.RmsProp(RegressionCatalog.RegressionTrainers, string, string, string?, float, int?, int)"/>.
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
        _settings = TrainingSettings.From(_options);
        _host = environment.Register(nameof(RmsPropRegressionTrainer));
        Info = MlNetInternals.NewTrainerInfo(needNormalization: !_settings.Reading.Standardize, wantCaching: false);
    }

    /// <summary>Whether the features should be normalized beforehand (not while <see cref="Options.Standardize"/> is on); caching is not needed.</summary>
    public TrainerInfo Info { get; }

    /// <summary>Trains a model.</summary>
    /// <param name="input">The training rows.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="input"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    /// <exception cref="InvalidOperationException">No row can be used, a row has another number of
    /// features than the column, training diverged, early stopping has no validation rows, or <see cref="Options.Checkpoint"/> is that of another
    /// training; the message says in what they differ.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Options.CancellationToken"/> was cancelled.</exception>
    /// <exception cref="InvalidDataException">The file of the checkpoint is damaged, of a newer version, or no checkpoint.</exception>
    /// <exception cref="IOException">The checkpoint cannot be read or written (then the one before is as it was), or the temporary file for rows
    /// cannot grow.</exception>
    public RmsPropRegressionTransformer Fit(IDataView input) => Train(input, _options.ValidationSet, start: default);

    /// <summary>Trains a model and evaluates each epoch on validation rows.</summary>
    /// <param name="input">The training rows.</param>
    /// <param name="validationData">The validation rows, with the same columns.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">The options name validation rows too.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public RmsPropRegressionTransformer Fit(IDataView input, IDataView validationData)
    {
        ArgumentNullException.ThrowIfNull(validationData);
        if (_options.ValidationFraction > 0 || _options.ValidationSet is not null)
            throw new InvalidOperationException(
                "Validation rows are given twice: as an argument of Fit, and by the option " +
                $"{(_options.ValidationSet is null ? nameof(Options.ValidationFraction) : nameof(Options.ValidationSet))}. Give them once.");
        return Train(input, validationData, start: default);
    }

    /// <summary>Trains a model starting from an existing model's weights.</summary>
    /// <param name="input">The training rows.</param>
    /// <param name="initialModel">Any linear model of ML.NET for the same features; weights in raw units.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The number of weights differs from the number of features.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    /// <remarks>With the default learning rate the first steps move far; lower it to stay near the given weights.</remarks>
    public RmsPropRegressionTransformer Fit(IDataView input, LinearModelParameters initialModel)
    {
        ArgumentNullException.ThrowIfNull(initialModel);
        return Train(input, _options.ValidationSet, new TrainingStart((initialModel.Weights, initialModel.Bias), Previous: null));
    }

    /// <summary>
    /// Continues a previous training run: its last weights, the optimiser's state, its standardisation, and its count of epochs.
    /// On the same rows with the same options, two trainings of one epoch at a constant rate are one training of two epochs,
    /// bit for bit.
    /// </summary>
    /// <param name="input">The training rows, the same or others with the same features.</param>
    /// <param name="previous">What an earlier <c>Fit</c> returned; not changed.</param>
    /// <returns>The model as a transformer, with the report of this part of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The number of weights differs from the number of features, or an option differs that gives the
    /// state its meaning: the form and constants of the update rule, penalties, loss, standardisation, shuffling, seed. The message names it.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    /// <remarks>
    /// <para>
    /// The learning rate schedule restarts, over the steps of this <c>Fit</c>, and so does the average of the weights. At a constant
    /// rate the average covers the last <see cref="Options.AveragedFraction"/> of all steps, as far as this <c>Fit</c> took them.
    /// The learning rate follows the length of these rows; an automatic <see cref="Options.L2Regularization"/> is that of these rows or of
    /// the previous training, whichever is less.
    /// </para>
    /// <para>
    /// A label or a feature that was constant until now gets its scale from these rows, and features whose correlation differs strongly
    /// get new decorrelated coordinates. The optimiser's state is then reset and only the weights are kept, because the state no longer
    /// describes the size of the gradients; the weights too begin again where they predict worse than the mean of the label.
    /// </para>
    /// </remarks>
    public RmsPropRegressionTransformer Fit(IDataView input, RmsPropRegressionTransformer previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return Train(input, _options.ValidationSet, new TrainingStart(Model: null, previous.State));
    }

    /// <summary>
    /// Continues a training run of another process: the same as <see cref="Fit(IDataView, RmsPropRegressionTransformer)"/> with what
    /// <see cref="RmsPropRegressionTransformer.SaveTraining"/> saved.
    /// </summary>
    /// <inheritdoc cref="Fit(IDataView, RmsPropRegressionTransformer)"/>
    public RmsPropRegressionTransformer Fit(IDataView input, SavedTraining previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return Train(input, _options.ValidationSet, new TrainingStart(Model: null, previous.State));
    }

    /// <summary>The schema after scoring: the input's columns and "Score".</summary>
    /// <param name="inputSchema">The schema of the input.</param>
    /// <returns>The schema with the score column.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="inputSchema"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaChecks.Check(inputSchema, _settings.Columns);
        return SchemaChecks.WithScoreColumn(inputSchema);
    }

    private RmsPropRegressionTransformer Train(IDataView input, IDataView? validationData, TrainingStart start)
    {
        ArgumentNullException.ThrowIfNull(input);
        TrainingColumns columns = SchemaChecks.Find(input.Schema, _settings.Columns);
        TrainingColumns? validationColumns = validationData is null ? null : SchemaChecks.FindValidation(validationData.Schema, columns, _settings.Columns);
        TrainingChecks.Width(columns);
        TrainingChecks.Start(columns, start, _settings);
        TrainingChecks.EarlyStopping(_settings, validationData is not null);

        using IChannel channel = _host.Start("Training");
        var log = new TrainingLog(channel);
        using TrainingCheckpoint? checkpoint = _settings.Checkpoint is not { } file ? null
            : new TrainingCheckpoint(file, TrainingConditions.Of(columns.FeatureCount, _settings), _createCheckpoint);
        long startTime = Stopwatch.GetTimestamp();
        using TrainingRows rows = ReadRows(input, columns, validationData, validationColumns, start, log);
        TimeSpan readingTime = Stopwatch.GetElapsedTime(startTime);

        using var run = new TrainingRun(rows, _settings, start, _options.CancellationToken);
        var causes = new TrainingCauses(run, rows, start, columns, _settings, _options.CancellationToken);
        log.Patience(_settings.Stopping, run.Plan);
        try
        {
            if (checkpoint?.Begin(run, TrainingConditions.Of(rows, start, run, _options.CancellationToken)) is { } state)
                log.Resumed(checkpoint.Path, state);
            FitResult result = run.Run(epoch => Report(epoch, log), checkpoint);
            RmsPropRegressionTransformer trained = Trained(result, run, rows, readingTime, causes, input.Schema, columns, log);
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
            throw TrainingChecks.Diverged(diverged, causes, rows.Training, columns, _settings);
        }
    }

    private RmsPropRegressionTransformer Trained(FitResult result, TrainingRun run, TrainingRows rows, TimeSpan readingTime, TrainingCauses causes,
        DataViewSchema schema, TrainingColumns columns, TrainingLog log)
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
    private static void End(TrainingCheckpoint? checkpoint, TrainingLog log)
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

    private TrainingRows ReadRows(IDataView input, TrainingColumns columns, IDataView? validationData, TrainingColumns? validationColumns,
        TrainingStart start, TrainingLog log)
    {
        CancellationToken cancellation = _options.CancellationToken;
        TrainingRows? rows = null;
        try
        {
            using (var reader = new RowReader(input, columns, cancellation))
            {
                rows = TrainingRows.Read(reader, _settings.Reading, start.Previous?.Scaling, NativeSlabAllocator.Instance, cancellation);
                log.SkippedRows(reader.Counts, "rows", _settings.Columns);
            }
            if (validationData is not null)
            {
                using var validationReader = new RowReader(validationData, validationColumns!.Value, cancellation);
                rows.ReadValidation(validationReader);
                log.SkippedRows(validationReader.Counts, "validation rows", _settings.Columns);
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

    /// <returns>Whether to go on.</returns>
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
