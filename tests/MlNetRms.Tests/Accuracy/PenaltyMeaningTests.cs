using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>The meaning of λ and λ₁ in the formulas of ridge regression and the lasso, on standardised columns and label.</summary>
public sealed class PenaltyMeaningTests
{
    private const int Count = 1000;

    private readonly Examples _rows = Some.Linear(12, Count, [1, 50, 0.02, 3, 7], means: [1, -20, 0.3, 0, 5], noise: 1);
    private readonly Matrix<double> _x;
    private readonly Vector<double> _y;
    private readonly double[] _units;

    public PenaltyMeaningTests()
    {
        foreach (float[] row in _rows.Features)
            row[1] += 30 * row[0];
        (double[][] columns, double[] deviations) =
            Standardized([.. Enumerable.Range(0, _rows.Width).Select(i => _rows.Features.Select(row => row[i]))]);
        (double[][] label, double[] labelDeviation) = Standardized([_rows.Labels]);
        _x = Matrix<double>.Build.DenseOfColumnArrays(columns);
        _y = Vector<double>.Build.Dense(label[0]);
        _units = [.. deviations.Select(deviation => deviation / labelDeviation[0])];
    }

    [Theory]
    [InlineData(0.01f)]
    [InlineData(0.3f)]
    public void Fit_L2Regularization_IsRidgeOfAlphaRowsTimesLambda(float lambda)
    {
        Vector<double> expected = (_x.TransposeThisAndMultiply(_x) + Count * lambda * Matrix<double>.Build.DenseIdentity(_rows.Width))
            .Solve(_x.TransposeThisAndMultiply(_y));

        Vector<double> actual = Weights(new() { L2Regularization = lambda });

        Assert.InRange((expected - actual).InfinityNorm() / expected.InfinityNorm(), 0, 1e-3);
    }

    [Theory]
    [InlineData(0.05f, 0f)]
    [InlineData(0.2f, 0f)]
    [InlineData(0.1f, 0.2f)]
    public void Fit_L1Regularization_IsElasticNetOfAlphaTheirSum(float l1, float l2)
    {
        (double alpha, double share) = ((double)l1 + l2, l1 / ((double)l1 + l2));

        Vector<double> w = Weights(new() { L1Regularization = l1, L2Regularization = l2 });

        // Optimality of ‖y − Xw‖² / 2n + alpha·share·Σ|w| + ½·alpha·(1 − share)·‖w‖².
        Vector<double> slope = _x.TransposeThisAndMultiply(_y - _x * w) / Count - alpha * (1 - share) * w;
        Assert.All(w.Zip(slope), pair => Assert.InRange(
            pair.First == 0 ? Math.Max(Math.Abs(pair.Second) - alpha * share, 0)
                : Math.Abs(pair.Second - alpha * share * Math.Sign(pair.First)), 0, 2e-3));
        Assert.Contains(w, weight => weight != 0);
    }

    /// <summary>On standardised columns and label.</summary>
    private Vector<double> Weights(RmsPropRegressionTrainer.Options options) =>
        Vector<double>.Build.Dense([.. _rows.Fit(options).Model.Weights.Zip(_units, (weight, unit) => weight * unit)]);

    private static (double[][] Columns, double[] Deviations) Standardized(IEnumerable<float>[] columns)
    {
        double[] means = [.. columns.Select(column => column.Average(x => (double)x))];
        double[] deviations = [.. columns.Zip(means, (column, mean) => Math.Sqrt(column.Average(x => (x - mean) * (x - mean))))];
        return ([.. columns.Select((column, i) => column.Select(x => (x - means[i]) / deviations[i]).ToArray())], deviations);
    }
}
