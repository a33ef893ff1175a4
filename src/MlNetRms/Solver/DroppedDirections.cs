using System.Numerics.Tensors;

namespace MlNetRms.Solver;

/// <summary>What the directions that whitening has dropped would explain of the label.</summary>
/// <param name="Column">The column with the largest part in them.</param>
/// <param name="ShareOfRmse">The share of the root mean squared error that they would remove, at least.</param>
internal sealed record DroppedUse(int Column, double ShareOfRmse)
{
    /// <summary>Each step finds the direction that explains most of what is left, or a mixture of such.</summary>
    private const int Steps = 8;

    /// <summary>Variances below this multiple of those of the columns are rounding of double.</summary>
    private const double SmallestVariance = 1e-25;

    /// <summary>What noise explains is below its mean plus this many of its deviations, and a few rows more.</summary>
    private const double Deviations = 3;
    private const double FewRows = 5;

    /// <summary>The least share of the error that is worth a word.</summary>
    private const double LeastShare = 0.001;

    /// <summary>
    /// Regresses the residuals of the rows kept as read on the directions dropped, by a few steps of conjugate gradients: in double these rows show
    /// what their stored floats no longer hold.
    /// </summary>
    /// <param name="sample">Those rows.</param>
    /// <param name="whitening">The directions of all dense columns.</param>
    /// <param name="predictions">Those of the returned weights.</param>
    /// <returns>Null if they would explain no more than noise does.</returns>
    public static DroppedUse? Find(DenseSample sample, Whitening whitening, RawPredictions predictions)
    {
        if (whitening.DroppedCount == 0)
            return null;
        DenseGradient gradient = sample.Gradient(predictions);
        double[] rest = whitening.OntoDropped(gradient.ByLane);
        double[] direction = rest;
        var found = new double[rest.Length];
        double explained = 0;
        for (int step = 0; step < Steps; step++)
        {
            double[] curvature = whitening.OntoDropped(sample.Multiply(direction));
            double along = TensorPrimitives.Dot<double>(direction, curvature);
            if (!(along > SmallestVariance * gradient.Weight * TensorPrimitives.SumOfSquares<double>(direction)))
                break;
            double size = TensorPrimitives.SumOfSquares<double>(rest);
            double length = size / along;
            explained += length * size;
            TensorPrimitives.MultiplyAdd(direction, length, found, found);
            rest = [.. rest.Zip(curvature, (value, change) => value - length * change)];
            double ratio = TensorPrimitives.SumOfSquares<double>(rest) / size;
            direction = [.. rest.Zip(direction, (value, before) => value + ratio * before)];
        }
        double share = Math.Min(explained / gradient.Squares, 1);
        double count = gradient.EffectiveRows;
        int dropped = whitening.DroppedCount;
        if (!(share * count > dropped + Deviations * Math.Sqrt(2 * dropped) + FewRows))
            return null;
        double ofRmse = 1 - Math.Sqrt((1 - share) / (1 - dropped / count));
        int lane = Enumerable.Range(0, found.Length).MaxBy(lane => Math.Abs(found[lane]));
        return ofRmse < LeastShare ? null : new DroppedUse(sample.ColumnAt(lane), ofRmse);
    }
}
