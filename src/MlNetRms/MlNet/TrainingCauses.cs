using MlNetRms.Data;
using MlNetRms.Settings;
using MlNetRms.Training;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.MlNet;

/// <summary>
/// What a training can have gone wrong for besides its learning rate, in sentences that name the column, the option and the value; null
/// where that is not the cause. Most read all rows.
/// </summary>
internal sealed class TrainingCauses(TrainingRun run, TrainingRows rows, TrainingStart start, TrainingColumns columns, TrainingSettings settings,
    CancellationToken cancellation)
{
    /// <summary>A training can hardly be blamed for a model that began with a loss of this multiple of what no weights have.</summary>
    private const double BadStart = 2;

    /// <summary>The first of the causes that can make a training diverge.</summary>
    public string? OfDivergence() => Loss() ?? Start(constantLoss: double.PositiveInfinity) ?? Weights();

    /// <summary>A loss that is not finite at the weights as they are.</summary>
    private string? Loss() => LossFailure.Find(settings.Loss, rows, run.Weights, cancellation) is not { } failure ? null
        : FormattableString.Invariant($"{nameof(Options.LossFunction)} {settings.Loss.Name} returned the loss {failure.Loss} and the derivative {failure.Derivative} ") +
            FormattableString.Invariant($"for the prediction {failure.Prediction} and the label {failure.Label}. Both must be finite for any finite prediction.");

    /// <summary>First weights that are far worse than the constant predictor and, where they are random, than weights of 0.</summary>
    public string? Start(double constantLoss)
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
        TrainedColumns trained = rows.Scaling.Columns;
        return began + (largest < trained.Count
            ? FormattableString.Invariant($"The largest for the size of its column is {raw.Weights[trained[largest]]}, that of {columns.NameOf(trained[largest])}. ")
            : FormattableString.Invariant($"The largest is the bias, {raw.Bias}. ")) +
            "Start from a model of the same features in the same units, or without one.";
    }

    /// <summary>Example weights so unequal that hardly any row counts.</summary>
    public string? Weights() => rows.Weights is not { AreDominated: true } weights ? null
        : FormattableString.Invariant($"The example weights in column '{settings.Columns.Weight}' are so unequal that the {weights.RowCount} training rows count as ") +
            FormattableString.Invariant($"{weights.EffectiveRows:f1}: the largest is {weights.Largest:g3}, the mean {weights.Mean:g3}. ") +
            "Limit the weights, or train without them.";
}
