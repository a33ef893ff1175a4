using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>Weights and bias in raw units, and measures of their fit, in double.</summary>
internal sealed record LinearFit(double[] Weights, double Bias)
{
    /// <summary>Stands for a failed training: all of its figures are NaN.</summary>
    public static LinearFit Failed(int featureCount)
    {
        double[] weights = new double[featureCount];
        Array.Fill(weights, double.NaN);
        return new LinearFit(weights, double.NaN);
    }

    public double Predict(in VBuffer<float> features)
    {
        double sum = Bias;
        ReadOnlySpan<float> values = features.GetValues();
        if (features.IsDense)
        {
            for (int i = 0; i < values.Length; i++)
                sum += values[i] * Weights[i];
        }
        else
        {
            ReadOnlySpan<int> columns = features.GetIndices();
            for (int k = 0; k < values.Length; k++)
                sum += values[k] * Weights[columns[k]];
        }
        return sum;
    }

    /// <summary>Prediction minus label.</summary>
    public double Residual(ExampleSet examples, int row) => Predict(examples.Features(row)) - examples.Labels[row];

    public double Rmse(ExampleSet examples) => Math.Sqrt(MeanLoss(examples, residual => residual * residual));

    /// <summary>1 minus the mean squared error over the variance of these labels.</summary>
    public double RSquared(ExampleSet examples) => 1 - Math.Pow(Rmse(examples) / examples.LabelDeviation, 2);

    /// <summary>Weighted mean of a loss of the residual.</summary>
    public double MeanLoss(ExampleSet examples, Func<double, double> loss) =>
        examples.Sum(row => examples.Weight(row) * loss(Residual(examples, row))) / examples.TotalWeight;

    /// <summary>
    /// Excess of the RMSE over that of the best fit, in percent of the latter, which is taken to be at least a millionth of the labels'
    /// standard deviation.
    /// </summary>
    public double ExcessPercent(ExampleSet examples, LinearFit best)
    {
        const double LeastRelativeRmse = 1e-6;
        double least = best.Rmse(examples);
        return 100 * (Rmse(examples) - least) / Math.Max(least, LeastRelativeRmse * examples.LabelDeviation);
    }
}
