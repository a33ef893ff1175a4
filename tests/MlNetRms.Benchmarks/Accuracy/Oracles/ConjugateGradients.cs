using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>
/// Least squares for many sparse or dense rows, by conjugate gradients on the normal equations. The columns and the bias are scaled to the
/// same length. If columns are dependent, the fit is the same but the weights are one of many solutions.
/// </summary>
/// <remarks>Source: Hestenes and Stiefel 1952, in the form known as CGLS.</remarks>
internal static class ConjugateGradients
{
    private const double Tolerance = 1e-9;
    private const int MostIterations = 5000;

    public static LinearFit LeastSquares(ExampleSet examples)
    {
        int bias = examples.FeatureCount;
        double[] scales = InverseLengths(examples);
        double[] residuals = [.. examples.Labels.ToArray().Select(label => (double)label)];
        double[] solution = new double[bias + 1];
        double[] gradient = Transposed(residuals);
        double[] direction = [.. gradient];
        double size = Dot(gradient, gradient);
        double first = size;
        int iteration = 0;
        for (; iteration < MostIterations && size > Tolerance * Tolerance * first; iteration++)
        {
            double[] image = Times(direction);
            double length = size / Dot(image, image);
            Add(solution, length, direction);
            Add(residuals, -length, image);
            gradient = Transposed(residuals);
            double next = Dot(gradient, gradient);
            for (int i = 0; i < direction.Length; i++)
                direction[i] = gradient[i] + next / size * direction[i];
            size = next;
        }
        OracleException.ThrowUnlessSmall("conjugate gradients", Math.Sqrt(size / first), Tolerance);
        return new LinearFit([.. solution.Take(bias).Select((value, i) => value * scales[i])], solution[bias] * scales[bias]);

        double[] Times(double[] vector)
        {
            var scaled = new LinearFit([.. vector.Take(bias).Select((value, i) => value * scales[i])], vector[bias] * scales[bias]);
            return [.. Enumerable.Range(0, examples.Count).Select(row => scaled.Predict(examples.Features(row)))];
        }

        double[] Transposed(double[] vector)
        {
            double[] sums = new double[bias + 1];
            for (int row = 0; row < examples.Count; row++)
            {
                AddRow(sums, vector[row], examples.Features(row));
                sums[bias] += vector[row];
            }
            for (int i = 0; i < sums.Length; i++)
                sums[i] *= scales[i];
            return sums;
        }
    }

    /// <summary>Reciprocal of the Euclidean length of each column, and of the bias's column of ones.</summary>
    private static double[] InverseLengths(ExampleSet examples)
    {
        double[] squares = new double[examples.FeatureCount + 1];
        squares[^1] = examples.Count;
        for (int row = 0; row < examples.Count; row++)
        {
            VBuffer<float> features = examples.Features(row);
            foreach ((int column, float value) in features.Items())
                squares[column] += (double)value * value;
        }
        return [.. squares.Select(sum => sum > 0 ? 1 / Math.Sqrt(sum) : 0)];
    }

    private static void AddRow(double[] sums, double factor, in VBuffer<float> features)
    {
        ReadOnlySpan<float> values = features.GetValues();
        ReadOnlySpan<int> columns = features.IsDense ? default : features.GetIndices();
        for (int k = 0; k < values.Length; k++)
            sums[features.IsDense ? k : columns[k]] += factor * values[k];
    }

    private static void Add(double[] target, double factor, double[] vector)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] += factor * vector[i];
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
