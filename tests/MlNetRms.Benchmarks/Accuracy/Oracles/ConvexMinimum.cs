using MathNet.Numerics.LinearAlgebra;

namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>A convex loss of the residual (prediction minus label), its slope and its curvature.</summary>
internal sealed record ConvexLoss(Func<double, double> Value, Func<double, double> Slope, Func<double, double> Curvature)
{
    public static ConvexLoss Huber(double delta) => new(
        residual => Math.Abs(residual) <= delta ? 0.5 * residual * residual : delta * (Math.Abs(residual) - 0.5 * delta),
        residual => Math.Clamp(residual, -delta, delta),
        residual => Math.Abs(residual) <= delta ? 1 : 0);

    /// <summary>½·√(r² + width²) + (½ − q)·r: at most half the width above the quantile loss, with positive curvature everywhere.</summary>
    public static ConvexLoss SmoothQuantile(double quantile, double width) => new(
        residual => 0.5 * Math.Sqrt(residual * residual + width * width) + (0.5 - quantile) * residual,
        residual => 0.5 * residual / Math.Sqrt(residual * residual + width * width) + 0.5 - quantile,
        residual => 0.5 * width * width * Math.Pow(residual * residual + width * width, -1.5));

    /// <summary>q·(y − ŷ) below the label, (1 − q)·(ŷ − y) above it.</summary>
    public static double Quantile(double quantile, double residual) => residual < 0 ? -quantile * residual : (1 - quantile) * residual;
}

/// <summary>
/// Minimises a weighted convex loss over dense columns: Newton's method with a line search in uncorrelated coordinates, starting
/// from the least-squares fit.
/// </summary>
internal sealed class ConvexMinimum
{
    private const double Tolerance = 1e-12;
    private const int MostSteps = 500;

    private readonly UncorrelatedColumns _columns;
    private readonly Matrix<double> _x;
    private readonly Vector<double> _labels;
    private Vector<double> _parameters;

    private ConvexMinimum(ExampleSet examples)
    {
        _columns = new UncorrelatedColumns(examples);
        _x = _columns.Coordinates.Append(Matrix<double>.Build.Dense(examples.Count, 1, 1));
        _labels = Vector<double>.Build.Dense(examples.Count, row => examples.Labels[row]);
        // The coordinates have mean 0 and covariance I, so their covariance with the label is the least-squares fit.
        _parameters = _x.TransposeThisAndMultiply(_labels.PointwiseMultiply(_columns.Shares));
    }

    public static LinearFit OfHuber(ExampleSet examples, double delta)
    {
        var minimum = new ConvexMinimum(examples);
        minimum.Descend(ConvexLoss.Huber(delta));
        return minimum.Fit();
    }

    /// <summary>Minimises smooth losses that approach the quantile loss.</summary>
    public static LinearFit OfQuantile(ExampleSet examples, double quantile)
    {
        const double Shrink = 0.3;
        const double LastWidth = 1e-7;
        const double LargestGap = 1e-5;
        var minimum = new ConvexMinimum(examples);
        double deviation = examples.LabelDeviation;
        ConvexLoss loss;
        double width = deviation;
        do
        {
            width *= Shrink;
            loss = ConvexLoss.SmoothQuantile(quantile, width);
            minimum.Descend(loss);
        }
        while (width > LastWidth * deviation);

        // By duality, slopes in [−q, 1 − q] that are orthogonal to all columns bound the minimum of the mean loss from below.
        Vector<double> residuals = minimum.Residuals(minimum._parameters);
        double bound = -residuals.Map(loss.Slope).PointwiseMultiply(minimum._columns.Shares).DotProduct(minimum._labels);
        double value = residuals.Map(residual => ConvexLoss.Quantile(quantile, residual)).DotProduct(minimum._columns.Shares);
        OracleException.ThrowUnlessSmall("smoothed quantile loss", value / bound - 1, LargestGap);
        return minimum.Fit();
    }

    private LinearFit Fit() =>
        _columns.InRawUnits(_parameters.SubVector(0, _x.ColumnCount - 1), _parameters[_x.ColumnCount - 1]);

    private Vector<double> Residuals(Vector<double> parameters) => _x * parameters - _labels;

    private double Value(ConvexLoss loss, Vector<double> parameters) => Residuals(parameters).Map(loss.Value).DotProduct(_columns.Shares);

    /// <summary>
    /// Iterates until a further step would lower the value by less than its rounding error; the expected decrease is half the
    /// product of the gradient and Newton's direction.
    /// </summary>
    private void Descend(ConvexLoss loss)
    {
        const double LeastDecrease = 1e-4;
        const double Damping = 1e-10;
        const double ShortestStep = 1e-9;
        double promised = double.PositiveInfinity;
        for (int step = 0; step < MostSteps && promised > Tolerance; step++)
        {
            Vector<double> residuals = Residuals(_parameters);
            Vector<double> gradient = _x.TransposeThisAndMultiply(residuals.Map(loss.Slope).PointwiseMultiply(_columns.Shares));
            Matrix<double> curvature = UncorrelatedColumns.WeightedCovariance(_x, residuals.Map(loss.Curvature).PointwiseMultiply(_columns.Shares));
            curvature += Matrix<double>.Build.DenseDiagonal(_x.ColumnCount, Damping * (1 + curvature.Trace()));
            Vector<double> direction = -curvature.Cholesky().Solve(gradient);
            double value = Value(loss, _parameters);
            double slope = gradient.DotProduct(direction);
            promised = -slope / value;
            double length = 1;
            while (Value(loss, _parameters + length * direction) > value + LeastDecrease * length * slope && length > ShortestStep)
                length /= 2;
            if (length > ShortestStep)
                _parameters += length * direction;
        }
        OracleException.ThrowUnlessSmall("Newton's method", promised, Tolerance);
    }
}
