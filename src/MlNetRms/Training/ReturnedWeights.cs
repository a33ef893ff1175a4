using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Objective;

namespace MlNetRms.Training;

/// <summary>What would be returned if training ended now: the same weights are evaluated on validation rows and returned.</summary>
internal sealed class ReturnedWeights(Parameters parameters, Scaling scaling, StandardizedLoss loss, ExactZeros zeros)
{
    /// <returns>Weights of all columns, then the bias, in the units of training.</returns>
    public double[] Current()
    {
        double[] weights = parameters.Mean();
        if (zeros.IsNeeded)
            zeros.Apply(weights);
        if (loss.IsSquared && scaling.IsOn)
            weights[^1] = OptimalBias(weights);
        return weights;
    }

    /// <summary>The bias that makes the mean residual on the training rows 0: ȳ − Σ w·x̄.</summary>
    private double OptimalBias(double[] weights)
    {
        double bias = scaling.ScaledLabelMean;
        for (int column = 0; column < weights.Length - 1; column++)
            bias -= weights[column] * scaling.ScaledMean(column);
        return bias;
    }
}
