using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Examples;
using MlNetRms.MlNet;
using MlNetRms.Optimization;

namespace MlNetRms;

/// <summary>
/// Trains a linear regression by mini-batch RMSProp. Made by
/// <see cref="RmsPropCatalog.RmsProp(RegressionCatalog.RegressionTrainers, string, string, string?, float, int?, int)"/>.
/// </summary>
/// <remarks>
/// <para>
/// Minimises the mean over the training rows of ½·(w·x + b − y)², plus ½·λ·‖w‖². With the default options features and
/// label are standardised inside, so raw features need no normalizer, and the result is close to the least-squares optimum.
/// The update rule is that of <see cref="MlNetRms.RmsProp"/>.
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
    /// <exception cref="InvalidOperationException">No row can be used, or training diverged.</exception>
    public RmsPropRegressionTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        TrainingColumns columns = SchemaChecks.Find(input.Schema, _options);

        using IChannel channel = _host.Start("Training");
        long start = Stopwatch.GetTimestamp();
        using ExampleStore examples = ExampleReader.Read(input, columns, _options, out Standardizer standardizer, out RowCounts rows);
        TimeSpan readingTime = Stopwatch.GetElapsedTime(start);
        WarnOfSkippedRows(channel, rows);

        TrainingLength length = TrainingLength.Of(examples.RowCount, _options);
        var epochs = new List<EpochReport>(length.NumberOfEpochs);
        long trainingStart = Stopwatch.GetTimestamp();
        LinearWeights standardized;
        try
        {
            standardized = FitLoop.Minimize(examples, _options, length, (epoch, loss, learningRate) =>
                epochs.Add(new EpochReport(epoch, standardizer.LossInLabelUnits(loss), learningRate, Stopwatch.GetElapsedTime(trainingStart))));
        }
        catch (DivergedException diverged)
        {
            throw Diverged(diverged, examples, columns);
        }

        (float[] weights, float bias) = standardizer.FoldBack(standardized.Weights, standardized.Bias);
        CheckFinite(weights, bias, columns);
        var report = new TrainingReport
        {
            Epochs = epochs,
            StopReason = StopReason.AllEpochsCompleted,
            BatchSize = length.BatchSize,
            StepsPerEpoch = length.StepsPerEpoch,
            TotalSteps = length.TotalSteps,
            RowsRead = rows.Read,
            RowsUsed = examples.RowCount,
            RowsSkippedForLabel = rows.BadLabel,
            RowsSkippedForWeight = rows.BadWeight,
            RowsSkippedForFeatures = rows.BadFeatures,
            ConstantFeatures = standardizer.ConstantColumnCount,
            SparseFeatures = examples.SparseCount,
            ReadingTime = readingTime,
            TrainingTime = Stopwatch.GetElapsedTime(trainingStart),
        };
        channel.Info(MessageSensitivity.None, "{0}", FormattableString.Invariant(
            $"Trained on {report.RowsUsed} rows for {epochs.Count} epochs ({report.TotalSteps} steps); loss of the last epoch {epochs[^1].Loss:g6}."));
        return new RmsPropRegressionTransformer(MlNetInternals.NewLinearModel(_host, weights, bias), report, _host, input.Schema, _options.FeatureColumnName);
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

    private void WarnOfSkippedRows(IChannel channel, RowCounts rows)
    {
        if (rows.Skipped == 0)
            return;
        string weightReason = _options.ExampleWeightColumnName is { } column
            ? $", {rows.BadWeight} for the weight ('{column}', missing, infinite or not above 0)"
            : "";
        channel.Warning(MessageSensitivity.Schema, "{0}",
            $"Skipped {rows.Skipped} of {rows.Read} rows: {rows.BadLabel} for the label ('{_options.LabelColumnName}', missing or infinite)" +
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
            throw new InvalidOperationException(
                $"The weight of {columns.NameOf(bad)} in raw units is {weights[bad]}, beyond the range of float. Rescale that feature or the label.");
        if (!float.IsFinite(bias))
            throw new InvalidOperationException($"The bias in raw units is {bias}, beyond the range of float. Rescale the features or the label.");
    }
}
