using Microsoft.ML.Trainers;
using MlNetRms.Settings;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Host;

/// <summary>Turns ML.NET's loss objects into what training computes with.</summary>
internal static class LossFunctions
{
    /// <param name="loss">Null for half the squared residual.</param>
    public static LossSettings Bind(IRegressionLoss? loss) => loss is null
        ? LossSettings.HalfSquared
        : new LossSettings(loss.ToString() ?? loss.GetType().Name, IsSquared: loss is SquaredLoss, loss.Loss, loss.Derivative);

    /// <exception cref="ArgumentException">The loss is not for a model that predicts the label itself.</exception>
    /// <inheritdoc cref="RangeCheck"/>
    public static void Check(object? loss, string name, string parameter)
    {
        if (loss is PoissonLoss or TweedieLoss)
            throw new ArgumentException(
                $"{nameof(Options.LossFunction)} {loss.GetType().Name} is for models whose score is the logarithm of the mean, or a positive mean; " +
                "this model's score w·x + b is the mean itself and may be negative. For counts use mlContext.Regression.Trainers.LbfgsPoissonRegression.",
                parameter);
    }
}
