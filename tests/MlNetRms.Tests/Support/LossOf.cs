using Microsoft.ML.Trainers;

namespace MlNetRms.Tests.Support;

/// <summary>A loss as a user would write it, from functions of prediction and label for the value and for the derivative by the prediction.</summary>
internal sealed class LossOf(Func<float, float, double> value, Func<float, float, float> derivative) : IRegressionLoss
{
    public double Loss(float output, float label) => value(output, label);

    public float Derivative(float output, float label) => derivative(output, label);
}
