using MathNet.Numerics.LinearAlgebra;

namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>
/// Least squares for dense columns with non-negative weights and a free bias, by the active-set method: it solves exactly for the weights above
/// 0, frees a weight while its gradient is negative, and fixes weights that would become negative at 0.
/// </summary>
/// <remarks>Source: Lawson and Hanson 1974, chapter 23, on the covariance of the standardised columns.</remarks>
internal static class NonNegativeLeastSquares
{
    private const double Tolerance = 1e-10;

    public static LinearFit Solve(ExampleSet examples)
    {
        int columns = examples.FeatureCount;
        Matrix<double> x = Matrix<double>.Build.DenseOfRows(Enumerable.Range(0, examples.Count)
            .Select(row => examples.Features(row).DenseValues().Select(value => (double)value)));
        Vector<double> means = x.ColumnSums() / examples.Count;
        x.MapIndexedInplace((_, column, value) => value - means[column]);
        Vector<double> deviations = x.ColumnNorms(2) / Math.Sqrt(examples.Count);
        x.MapIndexedInplace((_, column, value) => value / deviations[column]);
        double labelMean = examples.MeanLabel;
        Vector<double> labels = Vector<double>.Build.Dense(examples.Count, row => examples.Labels[row] - labelMean);
        Matrix<double> covariance = x.TransposeThisAndMultiply(x) / examples.Count;
        Vector<double> target = x.TransposeThisAndMultiply(labels) / examples.Count;

        Vector<double> weights = Vector<double>.Build.Dense(columns);
        var free = new SortedSet<int>();
        double scale = target.AbsoluteMaximum();
        while (true)
        {
            Vector<double> descent = target - covariance * weights;
            int[] fixedOnes = [.. Enumerable.Range(0, columns).Where(i => !free.Contains(i) && descent[i] > Tolerance * scale)];
            if (fixedOnes.Length == 0)
                break;
            free.Add(fixedOnes.MaxBy(i => descent[i]));
            MoveWithinBounds(weights, free, covariance, target);
        }
        Vector<double> gradient = covariance * weights - target;
        OracleException.ThrowUnlessSmall("the active set method", free.Select(i => Math.Abs(gradient[i])).DefaultIfEmpty().Max() / scale, Tolerance);
        double[] raw = [.. weights.PointwiseDivide(deviations)];
        return new LinearFit(raw, labelMean - means.DotProduct(weights.PointwiseDivide(deviations)));
    }

    /// <summary>
    /// Moves to the least-squares solution in the free weights. If that has a weight below 0, it stops at the first bound, fixes that
    /// weight, and repeats.
    /// </summary>
    private static void MoveWithinBounds(Vector<double> weights, SortedSet<int> free, Matrix<double> covariance, Vector<double> target)
    {
        while (true)
        {
            int[] indices = [.. free];
            Matrix<double> part = Matrix<double>.Build.Dense(indices.Length, indices.Length, (i, k) => covariance[indices[i], indices[k]]);
            Vector<double> solution = part.Cholesky().Solve(Vector<double>.Build.Dense(indices.Length, i => target[indices[i]]));
            double length = 1;
            int first = -1;
            for (int i = 0; i < indices.Length; i++)
            {
                double weight = weights[indices[i]];
                if (solution[i] <= 0 && weight / (weight - solution[i]) < length)
                {
                    length = weight / (weight - solution[i]);
                    first = indices[i];
                }
            }
            for (int i = 0; i < indices.Length; i++)
                weights[indices[i]] += length * (solution[i] - weights[indices[i]]);
            if (first < 0)
                return;
            weights[first] = 0;
            free.Remove(first);
        }
    }
}
