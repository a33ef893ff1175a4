using Microsoft.ML.Trainers;
using MlNetRms.Examples;

namespace MlNetRms.Losses;

/// <summary>
/// A loss in label units, as training sees it on standardised predictions and labels. Null stands for the squared loss,
/// which has a faster road.
/// </summary>
/// <remarks>
/// The derivative is divided by its root mean square over the rows at the constant prediction ȳ, so that ε and the
/// penalties mean the same for every loss and every unit of the label; for the squared loss that is the standard
/// deviation of the label. What is minimised is then mean ℓ / (σ·D) + ½·λ·‖w‖² with the label's standard deviation σ and
/// this divisor D. Without standardisation D is 1.
/// </remarks>
internal sealed class StandardizedLoss
{
    private readonly IRegressionLoss _loss;
    private readonly double _labelCenter;
    private readonly double _labelScale;
    private readonly float _derivativeFactor = 1;

    private StandardizedLoss(IRegressionLoss loss, Standardizer standardizer, ExampleStore examples, RmsPropRegressionTrainer.Options options)
    {
        _loss = loss;
        _labelCenter = standardizer.LabelCenter;
        _labelScale = standardizer.LabelStandardDeviation;
        if (options.Standardize)
        {
            double meanSquare = examples.WeightedMeanOverLabels(label => Math.Pow(Derivative(0, label), 2), options.CancellationToken);
            _derivativeFactor = meanSquare > 0 && double.IsFinite(meanSquare) ? (float)(1 / Math.Sqrt(meanSquare)) : 1;
        }
    }

    public static StandardizedLoss? Of(RmsPropRegressionTrainer.Options options, Standardizer standardizer, ExampleStore examples) =>
        IsSquared(options.LossFunction) ? null : new(options.LossFunction!, standardizer, examples, options);

    /// <summary>ML.NET's squared loss is twice ours and has the same minimiser, so it takes the same road.</summary>
    public static bool IsSquared(IRegressionLoss? loss) => loss is null or SquaredLoss;

    /// <summary>What turns a mean loss as training computes it into the loss that is reported.</summary>
    public static double ReportFactor(IRegressionLoss? loss, Standardizer standardizer) => loss switch
    {
        null => standardizer.LabelStandardDeviation * standardizer.LabelStandardDeviation,
        SquaredLoss => 2 * standardizer.LabelStandardDeviation * standardizer.LabelStandardDeviation,
        _ => 1,
    };

    /// <summary>The loss in its own units.</summary>
    public double Value(float prediction, float label) => _loss.Loss(Raw(prediction), Raw(label));

    /// <summary>The derivative by the standardised prediction, as training uses it.</summary>
    public float Derivative(float prediction, float label) => _derivativeFactor * _loss.Derivative(Raw(prediction), Raw(label));

    private float Raw(float standardized) => (float)(_labelCenter + _labelScale * standardized);
}
