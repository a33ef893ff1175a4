using Microsoft.ML.Trainers;
using MlNetRms.Settings;

namespace MlNetRms.MlNet;

/// <summary>Turns ML.NET's loss objects into what training computes with.</summary>
internal static class LossFunctions
{
    /// <param name="loss">Null for half the squared residual.</param>
    public static LossSettings Bind(IRegressionLoss? loss) => loss is null
        ? LossSettings.HalfSquared
        : new LossSettings(loss.ToString() ?? loss.GetType().Name, IsSquared: loss is SquaredLoss, loss.Loss, loss.Derivative);
}
