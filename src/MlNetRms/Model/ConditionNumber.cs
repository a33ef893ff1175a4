using MlNetRms.Data;
using MlNetRms.Kernels;

namespace MlNetRms.Model;

/// <summary>The condition number of the dense columns where nothing else asks for their eigenvalues.</summary>
internal static class ConditionNumber
{
    /// <summary>Each brings the estimate nearer; a few are enough to know the size of the number.</summary>
    private const int Iterations = 8;

    /// <summary>
    /// √(largest / smallest eigenvalue of the covariance), by power and inverse iteration, from below; of columns that depend on others
    /// as many are left out. For 512 columns it takes a tenth of the time of the eigenvalues.
    /// </summary>
    public static double Estimate(DenseCovariance covariance)
    {
        var factor = new PivotedCholesky(covariance.ToArray(), covariance.ColumnCount, Decorrelation.SmallestShare);
        return factor.Rank < 2 ? 1 : Math.Sqrt(Growth(factor.Rank, x => factor.Multiply(x)) * Growth(factor.Rank, x => factor.Solve(x)));
    }

    /// <summary>By how much a vector grows in the end when it is multiplied again and again: the largest eigenvalue.</summary>
    private static double Growth(int length, Action<double[]> multiply)
    {
        double[] x = [.. Enumerable.Range(0, length).Select(i => Math.Sin(1 + (double)i * i))];        // along no direction in particular
        double growth = 1;
        for (int i = 0; i <= Iterations; i++)
        {
            multiply(x);
            growth = Math.Sqrt(x.Sum(value => value * value));
            for (int k = 0; k < length; k++)
                x[k] /= growth;
        }
        return growth;
    }
}
