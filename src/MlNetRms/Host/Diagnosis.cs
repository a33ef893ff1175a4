using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Host;

/// <summary>Checks of a training beyond its schema; the messages name the column, the option and the value.</summary>
internal static class Checks
{
    /// <summary>The least memory per column, taken by one that is always 0: two numbers to find it by, and the returned weight twice.</summary>
    private const long BytesPerColumn = 16;

    /// <summary>A row is stored in one array, with a few numbers beside its features.</summary>
    private static readonly int _mostColumns = Array.MaxLength - 64;

    /// <exception cref="InvalidOperationException">There are more features than fit into an array or into the memory.</exception>
    public static void CheckWidth(InputColumns columns)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (columns.FeatureCount <= _mostColumns && columns.FeatureCount * BytesPerColumn <= available)
            return;
        double needed = (double)columns.FeatureCount * BytesPerColumn;
        throw new InvalidOperationException(
            $"Feature column '{columns.Features.Name}' has {columns.FeatureCount} features. " +
            $"Training takes at least {BytesPerColumn} bytes for each, " +
            FormattableString.Invariant($"{needed / (1 << 30):f1} GiB in all; {(double)available / (1 << 30):f1} GiB are available. ") +
            "Hash the features to fewer bits, or select some of them.");
    }

    /// <exception cref="ArgumentException">The model or the training to start from does not fit.</exception>
    public static void CheckStart(InputColumns columns, TrainingStart start, TrainingSettings settings)
    {
        int? weights = start.Model?.Weights.Count ?? start.Previous?.FeatureCount;
        string parameter = start.Previous is null ? "modelParameters" : "previous";
        if (weights is { } count && count != columns.FeatureCount)
        {
            throw new ArgumentException(
                $"The model to start from has {count} weights, but feature column '{columns.Features.Name}' has {columns.FeatureCount} features.",
                parameter);
        }
        if (start.Previous is { } previous && NamedText.FirstDifference(settings.Meaning, previous.Meaning) is var (option, mine, theirs))
            throw new ArgumentException($"The training to continue had {option} {theirs}, this trainer has {mine}.", parameter);
    }

    /// <summary>The products of larger values are beyond the range of float.</summary>
    private const double LargestMeanSquare = 1e30;

    /// <exception cref="InvalidOperationException">The features are too large in the units of the training to continue.</exception>
    public static void CheckUnits(Scaling scaling, TrainingStart start)
    {
        if (start.Previous is not null && !(scaling.RowNorm <= LargestMeanSquare))
            throw new InvalidOperationException(FormattableString.Invariant(
                $"In the units of the training to continue, the features of these rows have a mean squared length of {scaling.RowNorm:g3}, ") +
                "beyond what float can multiply. Train from the start, or bring the features to the units of those rows.");
    }

    /// <exception cref="InvalidOperationException">Early stopping was asked for without a source of validation rows.</exception>
    public static void CheckEarlyStopping(TrainingSettings settings, bool hasValidationData)
    {
        if (settings.Stopping is not null && !hasValidationData && settings.Reading.ValidationFraction == 0)
            throw new InvalidOperationException(
                $"{nameof(Options.EarlyStopping)} needs validation rows: " +
                $"set {nameof(Options.ValidationFraction)} or {nameof(Options.ValidationSet)}, or call Fit with validation data.");
    }

    /// <exception cref="InvalidOperationException">Early stopping was asked for, but no row was set aside.</exception>
    public static void CheckEarlyStopping(TrainingSettings settings, TrainingRows rows)
    {
        if (settings.Stopping is not null && rows.Validation is null)
            throw new InvalidOperationException(
                $"{nameof(Options.EarlyStopping)} needs validation rows, " +
                FormattableString.Invariant($"but {nameof(Options.ValidationFraction)} {settings.Reading.ValidationFraction} ") +
                $"set none of the {rows.Training.RowCount} usable rows aside. Raise it.");
    }

    /// <summary>Standardised weights up to this size may be lost: they hardly change a prediction.</summary>
    private const double NegligibleWeight = 1e-6;

    /// <param name="weights">Raw weights by column.</param>
    /// <param name="bias">Raw bias.</param>
    /// <param name="trained">The weights in the units of training, the bias last.</param>
    /// <param name="scaling">The units of training.</param>
    /// <param name="columns">The columns.</param>
    /// <exception cref="InvalidOperationException">A weight or the bias is outside the range of float.</exception>
    public static void CheckRange(float[] weights, float bias, double[] trained, Scaling scaling, InputColumns columns)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] != 0 || scaling.Scale(i) == 0 || Math.Abs(trained[i]) <= NegligibleWeight)
                continue;
            double raw = trained[i] * scaling.Scale(i) * scaling.LabelStandardDeviation;
            throw new InvalidOperationException(
                FormattableString.Invariant($"The weight of {columns.NameOf(scaling.Columns[i])} in raw units is {raw:g3}, ") +
                "which float rounds to 0. Rescale that feature or the label.");
        }
        int bad = Array.FindIndex(weights, weight => !float.IsFinite(weight));
        if (bad >= 0)
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The weight of {columns.NameOf(scaling.Columns[bad])} in raw units is {weights[bad]}, beyond the range of float. ") +
                "Rescale that feature or the label.");
        if (!float.IsFinite(bias))
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The bias in raw units is {bias}, beyond the range of float. Rescale the features or the label."));
    }

    /// <summary>The error for a training that diverged.</summary>
    public static InvalidOperationException Diverged(
        DivergedException where, Causes causes, RowSet rows, InputColumns columns, TrainingSettings settings)
    {
        string diverged = $"Training diverged in epoch {where.Epoch} at step {where.Step}: " +
            "the loss, the weights or the squares of the gradients are no longer finite. ";
        if (causes.FindCauseOfDivergence() is { } cause)
            return new InvalidOperationException(diverged + cause);
        (int feature, float value) = LargestFeature.Find(rows);
        string standardized = settings.Reading.Standardize ? "standardised " : "";
        string remedy = settings.Reading.Standardize ? "" : " or turn Standardize on";
        return new InvalidOperationException(diverged +
            FormattableString.Invariant($"The learning rate was {where.LearningRate}; ") +
            FormattableString.Invariant($"the largest {standardized}feature is {value} in {columns.NameOf(feature)}. ") +
            FormattableString.Invariant($"Lower LearningRate (now {settings.LearningRate.Initial}){remedy}."));
    }
}

/// <summary>
/// Causes, other than the learning rate, that can spoil a training. Each method returns a sentence that names the column, the option and the value,
/// or null if that is not the cause. Most of them read all rows.
/// </summary>
internal sealed class Causes(TrainingRun run, TrainingRows rows, TrainingStart start, InputColumns columns, TrainingSettings settings,
    CancellationToken cancellation)
{
    /// <summary>If the first weights have this multiple of the loss of weights of 0, they are the cause, not the training.</summary>
    private const double BadStart = 2;

    /// <summary>The first cause that can make a training diverge.</summary>
    public string? FindCauseOfDivergence() => FindBadLoss() ?? FindBadStart(constantLoss: double.PositiveInfinity) ?? FindUnequalWeights();

    /// <summary>A loss that is not finite at the current weights.</summary>
    private string? FindBadLoss() => LossFailure.Find(settings.Loss, rows, run.Weights, cancellation) is not { } failure ? null
        : $"{nameof(Options.LossFunction)} {settings.Loss.Name} returned " +
            FormattableString.Invariant($"the loss {failure.Loss} and the derivative {failure.Derivative} ") +
            FormattableString.Invariant($"for the prediction {failure.Prediction} and the label {failure.Label}. ") +
            "Both must be finite for any finite prediction.";

    /// <summary>First weights that are far worse than the constant predictor and, if they are random, than weights of 0.</summary>
    public string? FindBadStart(double constantLoss)
    {
        float deviation = settings.Plan.InitialWeightsStandardDeviation;
        if (!start.IsGiven && deviation == 0)
            return null;
        float[] weights = run.FirstWeights;
        double loss = run.Evaluation.LossOf(Array.ConvertAll(weights, weight => (double)weight));
        if (loss < BadStart * constantLoss || (!start.IsGiven && loss <= BadStart * run.Evaluation.LossOf(new double[weights.Length])))
            return null;
        string began = FormattableString.Invariant($"The weights that training began with have a loss of {loss:g3} on the training rows. ");
        if (start.Raw() is not { } raw)
            return began + FormattableString.Invariant($"Lower {nameof(Options.InitialWeightsStandardDeviation)} (now {deviation}).");
        int largest = Array.IndexOf(weights, weights.MaxBy(MathF.Abs));
        ActiveFeatures trained = rows.Scaling.Columns;
        string which = largest == trained.Count ? FormattableString.Invariant($"The largest is the bias, {raw.Bias}. ")
            : FormattableString.Invariant($"The largest for the size of its column is {raw.Weights[trained[largest]]}, ") +
                $"that of {columns.NameOf(trained[largest])}. ";
        return began + which +
            "Start from a model of the same features in the same units, or without one.";
    }

    /// <summary>Example weights so unequal that hardly any row counts.</summary>
    public string? FindUnequalWeights() => rows.Weights is not { AreDominated: true } weights ? null
        : $"The example weights in column '{settings.Columns.Weight}' are so unequal that the {weights.RowCount} training rows count as " +
            FormattableString.Invariant($"{weights.EffectiveRows:f1}: the largest is {weights.Largest:g3}, the mean {weights.Mean:g3}. ") +
            "Limit the weights, or train without them.";

    /// <summary>A model that is farther from the optimum than it should be, with the features that make it so.</summary>
    public string? FindGap(TrainingReport report, Gap gap)
    {
        if (report.OptimalityGap is not { } known || settings.Stopping is not null
            || !Decisions.IsWorthWarning(known.Share, gap.IsSettled, settings.Plan.Tolerance))
            return null;
        string least = known.IsExact ? "is" : gap.Method == GapMethod.Duality ? "is at most" : "is at least";
        string what = known.IsShareOfRmse ? "RMSE" : "loss";
        return $"The model's {what} on the training rows {least} " +
            FormattableString.Invariant($"{100 * known.Share:g3} % above the smallest possible. ") + Where(gap) + RemedyOfGap(report);
    }

    /// <summary>The features whose weights are farthest from the optimum, in effect on the predictions.</summary>
    private string Where(Gap gap)
    {
        if (gap.Step is not { } step)
            return "";
        Scaling scaling = rows.Scaling;
        int[] farthest = [.. Enumerable.Range(0, scaling.Columns.Count)
            .OrderByDescending(Effect).ThenBy(column => column).Take(2).Where(column => Effect(column) > 0)];
        return farthest is [] ? "" : $"Farthest off are the weights of {string.Join(" and ", farthest.Select(NameOf))}. ";

        double Effect(int column) => Math.Abs(step[column]) * Math.Sqrt(scaling.ScaledMeanSquare(column));
        string NameOf(int column) => columns.NameOf(scaling.Columns[column]);
    }

    private string RemedyOfGap(TrainingReport report)
    {
        if (!settings.Reading.Standardize)
            return $"Turn {nameof(Options.Standardize)} on, or train for more epochs.";
        if (settings.Plan.NumberOfEpochs is { } epochs)
            return $"Leave {nameof(Options.NumberOfEpochs)} open, or raise it (it was {epochs}).";
        if (settings.Decorrelate == false)
            return $"Leave {nameof(Options.Decorrelate)} on.";
        if (settings.Penalties.NeedsWeights)
            return $"{nameof(Options.L1Regularization)} and {nameof(Options.NonNegativeWeights)} exclude {nameof(Options.Decorrelate)}: " +
                $"drop features that say the same, or set {nameof(Options.NumberOfEpochs)} to more than {report.Epochs[^1].Epoch}.";
        if (run.HasMostHighLeverageRows)
            return "A few rows are so far from the others that they decide the model: limit the largest values, or take their logarithm.";
        return $"Set {nameof(Options.NumberOfEpochs)} to more than {report.Epochs[^1].Epoch}, or leave out features that say the same.";
    }
}
