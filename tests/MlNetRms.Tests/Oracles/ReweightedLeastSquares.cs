using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Oracles;

/// <summary>
/// Minimises Σ c·ℓ(ŷ − y) in double by iteratively reweighted least squares: each round solves least squares with weights
/// c·ℓ'(r)/r at the previous residuals. For convex losses whose ℓ'(r)/r does not grow with |r|, and for asymmetric squares.
/// </summary>
internal static class ReweightedLeastSquares
{
    /// <param name="rows">A few rows of moderate scale.</param>
    /// <param name="slopeOverResidual">ℓ'(r)/r.</param>
    /// <returns>Weights, then the bias.</returns>
    public static float[] Solve(Examples rows, Func<double, double> slopeOverResidual)
    {
        Matrix<double> x = Matrix<double>.Build.Dense(rows.Count, rows.Width + 1, (row, i) => i < rows.Width ? rows.Features[row][i] : 1);
        Vector<double> y = Vector<double>.Build.Dense(rows.Count, row => rows.Labels[row]);
        Vector<double> parameters = x.QR().Solve(y);
        double moved;
        do
        {
            Vector<double> residuals = x * parameters - y;
            Vector<double> roots = Vector<double>.Build.Dense(rows.Count, row => Math.Sqrt(rows.Weight(row) * slopeOverResidual(residuals[row])));
            Vector<double> next = Matrix<double>.Build.DenseOfDiagonalVector(roots).Multiply(x).QR().Solve(roots.PointwiseMultiply(y));
            moved = (next - parameters).L2Norm() / next.L2Norm();
            parameters = next;
        } while (moved > 1e-10);
        return [.. parameters.Select(value => (float)value)];
    }
}
