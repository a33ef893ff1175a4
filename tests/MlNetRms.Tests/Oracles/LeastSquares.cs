using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Oracles;

/// <summary>
/// The exact minimiser of the (weighted) mean squared error, in double: QR of the standardised columns, then the singular
/// value decomposition of R, without singular values below 1e-7 of the largest. With λ it is ridge regression:
/// ½·mean squared error in units of the label's variance + ½·λ·‖w‖² on the standardised weights.
/// </summary>
internal sealed class LeastSquares
{
    private const double SmallestSingularValue = 1e-7;
    private readonly double[] _means;
    private readonly double[] _scales;
    private readonly double _labelMean;
    private readonly double _labelStandardDeviation;
    private readonly Vector<double> _weights;
    private readonly double _lambda;

    public LeastSquares(Examples rows, double lambda = 0)
    {
        _lambda = lambda;
        double[] c = Enumerable.Range(0, rows.Count).Select(row => (double)rows.Weight(row)).ToArray();
        (_labelMean, _labelStandardDeviation) = Moments(rows.Labels.Select(label => (double)label), c);
        _means = new double[rows.Width];
        _scales = new double[rows.Width];
        for (int i = 0; i < rows.Width; i++)
        {
            (double mean, double deviation) = Moments(rows.Features.Select(row => (double)row[i]), c);
            _means[i] = mean;
            _scales[i] = deviation > 1e-7 * Math.Abs(mean) ? 1 / deviation : 0;
        }
        double total = c.Sum();
        // Rows added for the penalty: √λ·w with label 0.
        int extra = lambda > 0 ? rows.Width : 0;
        Matrix<double> x = Matrix<double>.Build.Dense(rows.Count + extra, rows.Width, (row, i) => row < rows.Count
            ? Math.Sqrt(c[row] / total) * (rows.Features[row][i] - _means[i]) * _scales[i]
            : row - rows.Count == i ? Math.Sqrt(lambda) : 0);
        Vector<double> y = Vector<double>.Build.Dense(rows.Count + extra, row => row < rows.Count
            ? Math.Sqrt(c[row] / total) * (rows.Labels[row] - _labelMean) / _labelStandardDeviation
            : 0);
        // With fewer rows than columns there is no thin QR, but then the decomposition of the rows themselves is small.
        QR<double>? qr = x.RowCount >= x.ColumnCount ? x.QR(QRMethod.Thin) : null;
        Svd<double> svd = (qr?.R ?? x).Svd();
        Vector<double> right = qr is null ? y : qr.Q.TransposeThisAndMultiply(y);
        Vector<double> projected = svd.U.TransposeThisAndMultiply(right);
        Vector<double> z = Vector<double>.Build.Dense(rows.Width, i =>
            i < svd.S.Count && svd.S[i] > SmallestSingularValue * svd.S[0] ? projected[i] / svd.S[i] : 0);
        _weights = svd.VT.TransposeThisAndMultiply(z);
    }

    public double Predict(float[] features)
    {
        double z = 0;
        for (int i = 0; i < features.Length; i++)
            z += _weights[i] * (features[i] - _means[i]) * _scales[i];
        return _labelMean + _labelStandardDeviation * z;
    }

    /// <summary>Raw weights rounded to float, and the bias with which their mean residual is 0, rounded too.</summary>
    public (float[] Weights, float Bias) Rounded()
    {
        float[] weights = [.. _weights.Select((weight, i) => (float)(weight * _scales[i] * _labelStandardDeviation))];
        return (weights, (float)(_labelMean - weights.Zip(_means, (weight, mean) => weight * mean).Sum()));
    }

    public double Rmse(Examples rows)
    {
        double squares = 0;
        double weight = 0;
        for (int row = 0; row < rows.Count; row++)
        {
            squares += rows.Weight(row) * Math.Pow(Predict(rows.Features[row]) - rows.Labels[row], 2);
            weight += rows.Weight(row);
        }
        return Math.Sqrt(squares / weight);
    }

    /// <summary>The penalised objective at the optimum, on the rows it was fitted to.</summary>
    public double Objective(Examples rows) =>
        0.5 * Math.Pow(Rmse(rows) / _labelStandardDeviation, 2) + 0.5 * _lambda * _weights.DotProduct(_weights);

    /// <summary>The penalised objective at other weights, given in raw units.</summary>
    public double Objective(double rmse, IReadOnlyList<float> rawWeights)
    {
        double squares = 0;
        for (int i = 0; i < rawWeights.Count; i++)
            squares += _scales[i] > 0 ? Math.Pow(rawWeights[i] / _scales[i] / _labelStandardDeviation, 2) : 0;
        return 0.5 * Math.Pow(rmse / _labelStandardDeviation, 2) + 0.5 * _lambda * squares;
    }

    /// <summary>Weighted mean and standard deviation, in two passes.</summary>
    public static (double Mean, double StandardDeviation) Moments(IEnumerable<double> values, double[] weights)
    {
        double[] x = values.ToArray();
        double total = weights.Sum();
        double mean = x.Zip(weights, (value, weight) => value * weight).Sum() / total;
        return (mean, Math.Sqrt(x.Zip(weights, (value, weight) => weight * (value - mean) * (value - mean)).Sum() / total));
    }
}
