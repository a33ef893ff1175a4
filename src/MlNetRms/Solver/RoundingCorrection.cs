using System.Numerics.Tensors;
using MlNetRms.Rows;

namespace MlNetRms.Solver;

/// <summary>
/// Takes from trained weights the error that comes from stored rows and steps being floats, if all rows have been kept as read: w ← w − (C + λ)⁻¹·g
/// with the gradient g of these rows in double, known as iterative refinement (Wilkinson 1963). Of nearly dependent columns that error is 10⁻⁷ times
/// the condition number.
/// </summary>
internal static class RoundingCorrection
{
    /// <summary>Each takes away most of what the one before has left.</summary>
    private const int Rounds = 3;

    /// <summary>Of the label's deviation, times the condition number: a weight that is farther off is not so because of rounding.</summary>
    private const double LargestError = 4.0 / (1 << 24);

    /// <summary>What a correction would gain falls at least by this factor from one to the next; else that is rounding too.</summary>
    private const double Contraction = 4;

    /// <param name="rows">The training rows.</param>
    /// <param name="whitening">Of all directions, from all rows.</param>
    /// <param name="l2">λ.</param>
    /// <param name="weights">Trained weights by column, the bias last, in the units of training.</param>
    /// <returns>The corrected weights, or the same if they are off by more than rounding, or rows are missing.</returns>
    public static double[] Apply(TrainingRows rows, Whitening whitening, double l2, double[] weights)
    {
        var sample = new DenseSample(rows);
        if (!sample.IsComplete)
            return weights;
        double largest = Math.Pow(LargestError * whitening.ConditionNumber, 2) * rows.Scaling.ScaledLabelVariance;
        for (int round = 0; round < Rounds; round++)
        {
            DenseGradient gradient = sample.Gradient(new RawPredictions(rows.Scaling, weights));
            double[] byLane = [.. gradient.ByLane.Select((sum, lane) => sum / gradient.Weight + l2 * weights[sample.ColumnAt(lane)])];
            double[] step = whitening.Newton(byLane);
            double decrease = TensorPrimitives.Dot<double>(step, byLane);
            if (!(decrease <= largest))
                break;
            largest = decrease / Contraction;
            weights = [.. weights];
            for (int lane = 0; lane < step.Length; lane++)
            {
                weights[sample.ColumnAt(lane)] -= step[lane];
                weights[^1] += step[lane] * rows.Scaling.ScaledMean(sample.ColumnAt(lane));
            }
            weights[^1] -= gradient.OfBias / gradient.Weight;
        }
        return weights;
    }
}
