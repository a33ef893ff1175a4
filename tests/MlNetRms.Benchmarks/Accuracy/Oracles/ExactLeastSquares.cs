using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>The weighted least-squares fit of dense columns.</summary>
/// <param name="Fit">Weights and bias.</param>
/// <param name="StandardErrors">Standard errors of the weights.</param>
/// <param name="IsDetermined">Whether a column's weight is unique.</param>
/// <param name="ConditionNumber">Condition number of the standardised columns.</param>
internal sealed record ExactLeastSquares(LinearFit Fit, double[] StandardErrors, bool[] IsDetermined, double ConditionNumber)
{
    /// <summary>Solves, then refines the solution once to repair rounding errors of the covariance.</summary>
    private const int Rounds = 2;

    private const double Tolerance = 1e-10;

    public static ExactLeastSquares Solve(ExampleSet examples)
    {
        var columns = new UncorrelatedColumns(examples);
        Matrix<double> x = columns.Coordinates;
        double mean = examples.MeanLabel;
        double deviation = examples.LabelDeviation;
        Cholesky<double> covariance = UncorrelatedColumns.WeightedCovariance(x, columns.Shares).Cholesky();
        Vector<double> slopes = Vector<double>.Build.Dense(x.ColumnCount);
        Vector<double> residuals = Vector<double>.Build.Dense(examples.Count, row => examples.Labels[row] - mean);
        for (int round = 0; round < Rounds; round++)
        {
            Vector<double> change = covariance.Solve(x.TransposeThisAndMultiply(residuals.PointwiseMultiply(columns.Shares)));
            slopes += change;
            residuals -= x * change;
        }
        Vector<double> gradient = x.TransposeThisAndMultiply(residuals.PointwiseMultiply(columns.Shares));
        OracleException.ThrowUnlessSmall("least squares", gradient.L2Norm() / deviation, Tolerance);
        double variance = residuals.DotProduct(residuals) / Math.Max(examples.Count - x.ColumnCount - 1, 1);
        return new(columns.InRawUnits(slopes, mean), columns.StandardErrors(variance), columns.IsDetermined, columns.ConditionNumber);
    }

    /// <summary>The largest difference of a weight from this fit's, in standard errors, over the columns with unique weights.</summary>
    public double LargestError(LinearFit fit)
    {
        double[] errors = [.. Enumerable.Range(0, fit.Weights.Length).Where(i => IsDetermined[i])
            .Select(i => Math.Abs(fit.Weights[i] - Fit.Weights[i]) / StandardErrors[i])];
        return errors.Any(double.IsNaN) ? double.NaN : errors.Max();
    }
}
