using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>
/// Dense columns in coordinates with weighted mean 0, variance 1 and no correlation: the standardised columns times the eigenvectors of their
/// covariance, each divided by its singular value (the square root of its eigenvalue). Singular values below 1e-7 of the largest are
/// dropped.
/// </summary>
internal sealed class UncorrelatedColumns
{
    private const double Negligible = 1e-7;

    /// <summary>A column whose spread is below this share of its mean is constant in float.</summary>
    private const double ConstantSpread = 1e-7;

    /// <summary>A column with at least this share of its unit variance in dropped directions has no unique weight.</summary>
    private const double DroppedShare = 1e-6;

    private readonly double[] _means;
    private readonly double[] _deviations;
    private readonly Matrix<double> _directions;

    public UncorrelatedColumns(ExampleSet examples)
    {
        double total = examples.TotalWeight;
        Shares = Vector<double>.Build.Dense(examples.Count, row => examples.Weight(row) / total);
        Matrix<double> x = Matrix<double>.Build.Dense(examples.Count, examples.FeatureCount);
        for (int row = 0; row < examples.Count; row++)
        {
            ReadOnlySpan<float> values = examples.Features(row).GetValues();
            for (int i = 0; i < values.Length; i++)
                x[row, i] = values[i];
        }
        _means = [.. x.TransposeThisAndMultiply(Shares)];
        x.MapIndexedInplace((_, column, value) => value - _means[column]);
        _deviations = [.. x.PointwisePower(2).TransposeThisAndMultiply(Shares).PointwiseSqrt()];
        for (int i = 0; i < _deviations.Length; i++)
            _deviations[i] = _deviations[i] > ConstantSpread * Math.Abs(_means[i]) ? _deviations[i] : double.PositiveInfinity;
        x.MapIndexedInplace((_, column, value) => value / _deviations[column]);

        Evd<double> eigen = WeightedCovariance(x, Shares).Evd(Symmetricity.Symmetric);
        double[] squares = [.. eigen.EigenValues.Select(value => value.Real)];
        double largest = squares.Max();
        int[] kept = [.. Enumerable.Range(0, squares.Length).Where(i => squares[i] > Negligible * Negligible * largest)];
        _directions = Matrix<double>.Build.Dense(examples.FeatureCount, kept.Length,
            (i, k) => eigen.EigenVectors[i, kept[k]] / Math.Sqrt(squares[kept[k]]));
        Coordinates = x * _directions;
        ConditionNumber = Math.Sqrt(largest / kept.Min(i => squares[i]));
        IsDetermined = [.. Enumerable.Range(0, examples.FeatureCount).Select(i => double.IsFinite(_deviations[i])
            && Enumerable.Range(0, squares.Length).Except(kept).Sum(k => Math.Pow(eigen.EigenVectors[i, k], 2)) < DroppedShare)];
    }

    /// <summary>The rows in these coordinates.</summary>
    public Matrix<double> Coordinates { get; }

    /// <summary>Each row's share of the sum of all example weights.</summary>
    public Vector<double> Shares { get; }

    /// <summary>Largest singular value of the standardised columns over the smallest one kept.</summary>
    public double ConditionNumber { get; }

    /// <summary>Whether a column varies and is not involved in a dropped direction, so that its weight is unique.</summary>
    public bool[] IsDetermined { get; }

    /// <summary>Converts a fit in these coordinates to raw columns.</summary>
    public LinearFit InRawUnits(Vector<double> slopes, double bias)
    {
        double[] weights = [.. (_directions * slopes).Select((weight, i) => weight / _deviations[i])];
        return new LinearFit(weights, bias - weights.Zip(_means, (weight, mean) => weight * mean).Sum());
    }

    /// <summary>Standard errors of the weights in raw units, for residuals of this variance and rows of equal weight.</summary>
    public double[] StandardErrors(double residualVariance) =>
        [.. _directions.EnumerateRows().Select((row, i) => Math.Sqrt(residualVariance / Coordinates.RowCount) * row.L2Norm() / _deviations[i])];

    /// <summary>Xᵀ·diag(shares)·X.</summary>
    public static Matrix<double> WeightedCovariance(Matrix<double> x, Vector<double> shares)
    {
        Matrix<double> scaled = x.Clone();
        scaled.MapIndexedInplace((row, _, value) => value * Math.Sqrt(shares[row]));
        return scaled.TransposeThisAndMultiply(scaled);
    }
}
