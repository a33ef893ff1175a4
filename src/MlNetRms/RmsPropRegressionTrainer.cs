using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Examples;
using MlNetRms.Losses;
using MlNetRms.MlNet;
using MlNetRms.Optimization;

namespace MlNetRms;

/// <summary>
/// Trains a linear regression by mini-batch RMSProp. Made by
/// <see cref="RmsPropCatalog.RmsProp(RegressionCatalog.RegressionTrainers, string, string, string?, float, int?, int)"/>.
/// </summary>
/// <remarks>
/// <para>
/// Minimises the mean over the training rows of a loss, by default ½·(w·x + b − y)², plus the penalties ½·λ·‖w‖² and λ₁·Σ|w|,
/// by default none. With the default options features and label are standardised inside, so raw features need no
/// normalizer, and the result is close to the least-squares optimum. The update rule is that of <see cref="MlNetRms.RmsProp"/>.
/// </para>
/// <para>
/// Input: a feature column (vector of <see cref="float"/>, known size), a label column (<see cref="float"/>), and if
/// wanted a weight column (<see cref="float"/>). Output: a column "Score" (<see cref="float"/>). The data is read once, and
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

    internal RmsPropRegressionTrainer(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.CheckedCopy();
        _host = environment.Register(nameof(RmsPropRegressionTrainer));
        Info = MlNetInternals.NewTrainerInfo(needNormalization: !_options.Standardize, wantCaching: false);
    }

    /// <summary>Whether the features should be normalized beforehand (not while <see cref="Options.Standardize"/> is on); caching is not needed.</summary>
    public TrainerInfo Info { get; }

    /// <summary>Trains a model.</summary>
    /// <param name="input">The training rows.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="input"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    /// <exception cref="InvalidOperationException">No row can be used, training diverged, or early stopping has no validation rows.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Options.CancellationToken"/> was cancelled.</exception>
    public RmsPropRegressionTransformer Fit(IDataView input) => Train(input, _options.ValidationSet, initialModel: null, previous: null);

    /// <summary>Trains a model and judges each epoch by rows that are not trained on.</summary>
    /// <param name="input">The training rows.</param>
    /// <param name="validationData">The rows to judge by, with the same columns.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    /// <exception cref="InvalidOperationException">No row can be used, training diverged, or the options name validation rows too.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Options.CancellationToken"/> was cancelled.</exception>
    public RmsPropRegressionTransformer Fit(IDataView input, IDataView validationData)
    {
        ArgumentNullException.ThrowIfNull(validationData);
        if (_options.ValidationFraction > 0 || _options.ValidationSet is not null)
            throw new InvalidOperationException(
                "Validation rows are given twice: as an argument of Fit, and by the option " +
                $"{(_options.ValidationSet is null ? nameof(Options.ValidationFraction) : nameof(Options.ValidationSet))}. Give them once.");
        return Train(input, validationData, initialModel: null, previous: null);
    }

    /// <summary>Trains a model from the weights of another, in place of zero or random ones.</summary>
    /// <param name="input">The training rows.</param>
    /// <param name="initialModel">Any linear model of ML.NET for the same features; weights in raw units.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The model has another number of weights than the data has features.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    /// <exception cref="InvalidOperationException">No row can be used, training diverged, or early stopping has no validation rows.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Options.CancellationToken"/> was cancelled.</exception>
    /// <remarks>With the default learning rate the first steps move far; lower it to stay near the given weights.</remarks>
    public RmsPropRegressionTransformer Fit(IDataView input, LinearModelParameters initialModel)
    {
        ArgumentNullException.ThrowIfNull(initialModel);
        return Train(input, _options.ValidationSet, initialModel, previous: null);
    }

    /// <summary>
    /// Goes on with a training: its last weights, the optimiser's state, its standardisation, and its count of epochs. On the
    /// same rows with the same options, two trainings of one epoch at a constant rate are one training of two epochs, bit
    /// for bit.
    /// </summary>
    /// <param name="input">The training rows, the same or others with the same features.</param>
    /// <param name="previous">What an earlier <c>Fit</c> returned; not changed.</param>
    /// <returns>The model as a transformer, with the report of this part of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The model has another number of weights than the data has features, or was trained with another
    /// value of <see cref="Options.Standardize"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    /// <exception cref="InvalidOperationException">No row can be used, training diverged, or early stopping has no validation rows.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Options.CancellationToken"/> was cancelled.</exception>
    /// <remarks>The learning rate schedule begins anew, over the steps of this <c>Fit</c>.</remarks>
    public RmsPropRegressionTransformer Fit(IDataView input, RmsPropRegressionTransformer previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return Train(input, _options.ValidationSet, initialModel: null, previous.State);
    }

    /// <summary>The schema after scoring: the input's columns and "Score".</summary>
    /// <param name="inputSchema">The schema of the input.</param>
    /// <returns>The schema with the score column.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="inputSchema"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        SchemaChecks.Check(inputSchema, _options);
        return SchemaChecks.WithScoreColumn(inputSchema);
    }

    private RmsPropRegressionTransformer Train(IDataView input, IDataView? validationData, LinearModelParameters? initialModel, TrainedState? previous)
    {
        ArgumentNullException.ThrowIfNull(input);
        TrainingColumns columns = SchemaChecks.Find(input.Schema, _options);
        TrainingColumns? validationColumns = validationData is null ? null : SchemaChecks.FindValidation(validationData.Schema, columns, _options);
        CheckStart(columns, initialModel, previous);
        if (_options.EarlyStopping is not null && validationData is null && _options.ValidationFraction == 0)
            throw new InvalidOperationException(
                $"{nameof(Options.EarlyStopping)} needs validation rows: set {nameof(Options.ValidationFraction)} or {nameof(Options.ValidationSet)}, " +
                "or call Fit with validation data.");

        using IChannel channel = _host.Start("Training");
        long start = Stopwatch.GetTimestamp();
        ReadRows read = ExampleReader.ReadTraining(input, columns, _options, previous?.Standardizer);
        using ExampleStore examples = read.Training;
        WarnOfSkippedRows(channel, read.Counts, "rows");
        RowCounts validationCounts = default;
        using ExampleStore? validation = validationData is null ? read.Validation
            : ExampleReader.ReadValidation(validationData, validationColumns!.Value, _options, read.Standardizer, out validationCounts);
        WarnOfSkippedRows(channel, validationCounts, "validation rows");
        if (_options.EarlyStopping is not null && validation is null)
            throw new InvalidOperationException(FormattableString.Invariant(
                $"{nameof(Options.EarlyStopping)} needs validation rows, but {nameof(Options.ValidationFraction)} {_options.ValidationFraction} ") +
                $"set none of the {examples.RowCount} usable rows aside. Raise it.");
        TimeSpan readingTime = Stopwatch.GetElapsedTime(start);

        Standardizer standardizer = read.Standardizer;
        TrainingLength length = TrainingLength.Of(examples.RowCount, _options);
        using var loop = new FitLoop(examples, validation, standardizer, StartingWeights(initialModel, standardizer), previous, _options, length);
        var log = new EpochLog(channel, _options, standardizer, length, examples.RowCount);
        FitResult result;
        try
        {
            result = loop.Run(log.Add);
        }
        catch (DivergedException diverged)
        {
            throw Diverged(diverged, examples, columns);
        }

        (float[] weights, float bias) = standardizer.FoldBack(
            result.Weights.Weights, result.Weights.Bias, centerResiduals: StandardizedLoss.IsSquared(_options.LossFunction));
        CheckFinite(weights, bias, columns);
        var report = new TrainingReport
        {
            Epochs = log.Epochs,
            StopReason = result.StopReason,
            ReturnedEpoch = result.ReturnedEpoch,
            BatchSize = length.BatchSize,
            StepsPerEpoch = length.StepsPerEpoch,
            TotalSteps = length.TotalSteps,
            RowsRead = read.Counts.Read,
            RowsUsed = examples.RowCount,
            ValidationRows = validation?.RowCount ?? 0,
            RowsSkippedForLabel = read.Counts.BadLabel,
            RowsSkippedForWeight = read.Counts.BadWeight,
            RowsSkippedForFeatures = read.Counts.BadFeatures,
            ConstantFeatures = standardizer.ConstantColumnCount,
            SparseFeatures = examples.SparseCount,
            SparseUpdates = examples.SparseCount == 0 ? SparseUpdates.None
                : FitLoop.UpdatesTouchedOnly(examples, _options) ? SparseUpdates.TouchedWeights : SparseUpdates.AllWeights,
            NumberOfThreads = loop.NumberOfThreads,
            ReadingTime = readingTime,
            TrainingTime = log.Elapsed,
        };
        EpochReport last = report.Epochs[^1];
        channel.Info(MessageSensitivity.None, "{0}", FormattableString.Invariant(
            $"Trained on {report.RowsUsed} rows for {last.Epoch} epochs ({last.Step} steps); loss of the last epoch {last.Loss:g6}."));
        return new RmsPropRegressionTransformer(MlNetInternals.NewLinearModel(_host, weights, bias), report, result.State,
            _host, input.Schema, _options.FeatureColumnName);
    }

    private void CheckStart(TrainingColumns columns, LinearModelParameters? initialModel, TrainedState? previous)
    {
        int? weights = initialModel?.Weights.Count ?? previous?.Weights.Length - 1;
        if (weights is { } count && count != columns.FeatureCount)
            throw new ArgumentException(
                $"The model to start from has {count} weights, but feature column '{columns.Features.Name}' has {columns.FeatureCount} features.",
                initialModel is null ? nameof(previous) : nameof(initialModel));
        if (previous is not null && previous.Standardizer.IsOn != _options.Standardize)
            throw new ArgumentException(
                $"The training to go on with had {nameof(Options.Standardize)} {previous.Standardizer.IsOn}, this trainer has {_options.Standardize}.",
                nameof(previous));
    }

    private static float[]? StartingWeights(LinearModelParameters? model, Standardizer standardizer)
    {
        if (model is null)
            return null;
        (float[] weights, float bias) = standardizer.FoldIn(model.Weights, model.Bias);
        return [.. weights, bias];
    }

    private void WarnOfSkippedRows(IChannel channel, RowCounts rows, string what)
    {
        if (rows.Skipped == 0)
            return;
        string weightReason = _options.ExampleWeightColumnName is { } column
            ? $", {rows.BadWeight} for the weight ('{column}', missing, infinite or not above 0)"
            : "";
        channel.Warning(MessageSensitivity.Schema, "{0}",
            $"Skipped {rows.Skipped} of {rows.Read} {what}: {rows.BadLabel} for the label ('{_options.LabelColumnName}', missing or infinite)" +
            $"{weightReason}, {rows.BadFeatures} for the features ('{_options.FeatureColumnName}', missing or infinite).");
    }

    private InvalidOperationException Diverged(DivergedException where, ExampleStore examples, TrainingColumns columns)
    {
        (int column, float value) = examples.LargestValue();
        string standardized = _options.Standardize ? "standardised " : "";
        string remedy = _options.Standardize ? "" : " or turn Standardize on";
        return new InvalidOperationException(FormattableString.Invariant(
            $"Training diverged in epoch {where.Epoch} at step {where.Step}: the loss, the weights or the squares of the gradients are no longer finite. ") +
            FormattableString.Invariant($"The learning rate was {where.LearningRate}; the largest {standardized}feature is {value} in {columns.NameOf(column)}. ") +
            FormattableString.Invariant($"Lower LearningRate (now {_options.LearningRate}){remedy}."));
    }

    private static void CheckFinite(float[] weights, float bias, TrainingColumns columns)
    {
        int bad = Array.FindIndex(weights, weight => !float.IsFinite(weight));
        if (bad >= 0)
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The weight of {columns.NameOf(bad)} in raw units is {weights[bad]}, beyond the range of float. Rescale that feature or the label."));
        if (!float.IsFinite(bias))
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The bias in raw units is {bias}, beyond the range of float. Rescale the features or the label."));
    }
}
