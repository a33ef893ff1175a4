using MlNetRms.Data;
using MlNetRms.Objective;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>A loss that is not finite, or whose derivative is not, at a usual prediction.</summary>
/// <param name="Prediction">The prediction, in label units.</param>
/// <param name="Label">The label.</param>
/// <param name="Loss">The loss there.</param>
/// <param name="Derivative">Its derivative there.</param>
internal sealed record LossFailure(float Prediction, float Label, double Loss, float Derivative)
{
    /// <summary>Farther from its label a prediction is the failure itself, whatever the loss makes of it.</summary>
    private const double MostDeviations = 1000;

    /// <summary>Asks the loss about each row's prediction; null where nothing is wrong with it. Reads every row: for messages only.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="byColumn">Weights of all columns, then the bias, in the units of the rows.</param>
    /// <param name="cancellation">Ends the pass.</param>
    public static LossFailure? Find(LossSettings loss, TrainingRows rows, ReadOnlySpan<double> byColumn, CancellationToken cancellation)
    {
        Scaling scaling = rows.Scaling;
        double deviation = scaling.LabelStandardDeviation * Math.Sqrt(scaling.ScaledLabelVariance);
        double farthest = MostDeviations * (deviation > 0 ? deviation : 1);
        LossFailure? found = null;
        if (loss.IsSquared)
            return null;
        var asked = new StandardizedLoss(loss with { Value = Ask, Derivative = (_, _) => 0 }, scaling, rows.Training, cancellation);
        new MeanLoss(rows.Training, asked, cancellation).Of(byColumn);
        // All processes go on with the same one.
        double[]? first = rows.Training.InTurn(_ => found is null ? new double[5] : [1, found.Prediction, found.Label, found.Loss, found.Derivative])
            .ToList().Find(numbers => numbers[0] > 0);
        return first is null ? null : new LossFailure((float)first[1], (float)first[2], first[3], (float)first[4]);

        double Ask(float prediction, float label)
        {
            if (found is null && Math.Abs((double)prediction - label) <= farthest)
            {
                var here = new LossFailure(prediction, label, loss.Value(prediction, label), loss.Derivative(prediction, label));
                found = double.IsFinite(here.Loss) && float.IsFinite(here.Derivative) ? null : here;
            }
            return 0;
        }
    }
}
