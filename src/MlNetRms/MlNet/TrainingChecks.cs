using MlNetRms.Data;
using MlNetRms.Settings;
using MlNetRms.Training;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.MlNet;

/// <summary>What can be wrong with a training besides its schema, in words that name the column, the option and the value.</summary>
internal static class TrainingChecks
{
    /// <summary>Least memory for each column, one that is always 0: two numbers to find it by, and the weight that is returned, twice.</summary>
    private const long BytesPerColumn = 16;

    /// <summary>A row is stored with a few numbers beside its features, in one array.</summary>
    private static readonly int _mostColumns = Array.MaxLength - 64;

    /// <exception cref="InvalidOperationException">There are more features than fit into an array or into the memory.</exception>
    public static void Width(TrainingColumns columns)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (columns.FeatureCount <= _mostColumns && columns.FeatureCount * BytesPerColumn <= available)
            return;
        throw new InvalidOperationException(FormattableString.Invariant(
            $"Feature column '{columns.Features.Name}' has {columns.FeatureCount} features. Training takes at least {BytesPerColumn} bytes for each, ") +
            FormattableString.Invariant($"{(double)columns.FeatureCount * BytesPerColumn / (1 << 30):f1} GiB in all; {(double)available / (1 << 30):f1} GiB are available. ") +
            "Hash the features to fewer bits, or select some of them.");
    }

    /// <exception cref="ArgumentException">The model or the training to start from does not fit.</exception>
    public static void Start(TrainingColumns columns, TrainingStart start, TrainingSettings settings)
    {
        int? weights = start.Model?.Weights.Count ?? start.Previous?.Identity.FeatureCount;
        string parameter = start.Previous is null ? "modelParameters" : "previous";
        if (weights is { } count && count != columns.FeatureCount)
            throw new ArgumentException(
                $"The model to start from has {count} weights, but feature column '{columns.Features.Name}' has {columns.FeatureCount} features.", parameter);
        TrainingIdentity identity = TrainingIdentity.Of(columns.FeatureCount, settings);
        if (start.Previous?.Identity.FirstDifference(identity) is var (option, theirs, mine))
            throw new ArgumentException($"The training to continue had {option} {theirs}, this trainer has {mine}.", parameter);
    }

    /// <exception cref="InvalidOperationException">Early stopping was asked for, and nothing gives it validation rows.</exception>
    public static void EarlyStopping(TrainingSettings settings, bool hasValidationData)
    {
        if (settings.Stopping is not null && !hasValidationData && settings.Reading.ValidationFraction == 0)
            throw new InvalidOperationException(
                $"{nameof(Options.EarlyStopping)} needs validation rows: set {nameof(Options.ValidationFraction)} or {nameof(Options.ValidationSet)}, " +
                "or call Fit with validation data.");
    }

    /// <exception cref="InvalidOperationException">Early stopping was asked for, and not a single row was set aside.</exception>
    public static void EarlyStopping(TrainingSettings settings, TrainingRows rows)
    {
        if (settings.Stopping is not null && rows.Validation is null)
            throw new InvalidOperationException(FormattableString.Invariant(
                $"{nameof(Options.EarlyStopping)} needs validation rows, but {nameof(Options.ValidationFraction)} {settings.Reading.ValidationFraction} ") +
                $"set none of the {rows.Training.RowCount} usable rows aside. Raise it.");
    }

    /// <summary>Standardised weights up to this size may be lost: they change a prediction by a millionth of the label's spread.</summary>
    private const double NegligibleWeight = 1e-6;

    /// <param name="weights">Raw weights by column.</param>
    /// <param name="bias">Raw bias.</param>
    /// <param name="trained">The weights in the units of training, the bias last.</param>
    /// <param name="scaling">The units of training.</param>
    /// <param name="columns">The columns.</param>
    /// <exception cref="InvalidOperationException">A weight or the bias is outside the range of float.</exception>
    public static void Range(float[] weights, float bias, double[] trained, Scaling scaling, TrainingColumns columns)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0 && scaling.Scale(i) != 0 && Math.Abs(trained[i]) > NegligibleWeight)
                throw new InvalidOperationException(FormattableString.Invariant(
                    $"The weight of {columns.NameOf(scaling.Columns[i])} in raw units is {trained[i] * scaling.Scale(i) * scaling.LabelStandardDeviation:g3}, ") +
                    "which float rounds to 0. Rescale that feature or the label.");
        }
        int bad = Array.FindIndex(weights, weight => !float.IsFinite(weight));
        if (bad >= 0)
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The weight of {columns.NameOf(scaling.Columns[bad])} in raw units is {weights[bad]}, beyond the range of float. Rescale that feature or the label."));
        if (!float.IsFinite(bias))
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The bias in raw units is {bias}, beyond the range of float. Rescale the features or the label."));
    }

    /// <summary>The error for a training that diverged.</summary>
    public static InvalidOperationException Diverged(
        DivergedException where, TrainingCauses causes, RowSet rows, TrainingColumns columns, TrainingSettings settings)
    {
        string diverged = FormattableString.Invariant(
            $"Training diverged in epoch {where.Epoch} at step {where.Step}: the loss, the weights or the squares of the gradients are no longer finite. ");
        if (causes.OfDivergence() is { } cause)
            return new InvalidOperationException(diverged + cause);
        (int feature, float value) = LargestFeature.Of(rows);
        string standardized = settings.Reading.Standardize ? "standardised " : "";
        string remedy = settings.Reading.Standardize ? "" : " or turn Standardize on";
        return new InvalidOperationException(diverged +
            FormattableString.Invariant($"The learning rate was {where.LearningRate}; the largest {standardized}feature is {value} in {columns.NameOf(feature)}. ") +
            FormattableString.Invariant($"Lower LearningRate (now {settings.LearningRate.Initial}){remedy}."));
    }
}
