using System.Numerics;
using MathNet.Numerics.Providers.LinearAlgebra;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Coordinates u in which the dense columns are uncorrelated and have variance 1: w = M·u, and so g_u = Mᵀ·g_w. RMSProp steps
/// coordinate by coordinate and does not see correlation; in these coordinates a squared loss has condition number 1 whatever the
/// columns. Immutable.
/// </summary>
/// <remarks>
/// M holds the eigenvectors of the covariance, each divided by the root of its eigenvalue (plus λ of an L2 penalty, which adds
/// to the curvature). Directions in which the columns do not vary are dropped; duplicate columns share their weight. Source: decorrelated
/// inputs, LeCun, Bottou, Orr and Müller 1998, §4.3; adaptive steps in an eigenbasis, Vyas et al. 2024 (SOAP).
/// </remarks>
internal sealed class Decorrelation : IWeightTransform
{
    /// <summary>Eigenvalues below this share of the largest are rounding of the stored floats.</summary>
    public const double SmallestShare = 1e-10;

    /// <summary>RMSProp copes with so much in other rows.</summary>
    private const double MostVarianceRatio = 4;
    private const double MostCorrelation = 0.5;

    /// <summary>The eigenvectors of fewer columns take less than a hundredth of a second.</summary>
    private const int FewestToAbandon = 128;

    private readonly double _l2;
    private readonly int _columns;
    private readonly int _stride;
    private readonly double[] _eigenvectors;
    private readonly double[] _eigenvalues;
    private readonly double[] _scales;
    private readonly float[] _matrix;

    /// <param name="covariance">Of the dense columns.</param>
    /// <param name="l2">λ of the penalty ½·λ·‖w‖².</param>
    /// <param name="cancellation">Ends the waiting for the eigenvectors.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Decorrelation(Covariance covariance, double l2, CancellationToken cancellation = default)
        : this(l2, covariance.IsOfAllRows, Eigen(covariance, cancellation))
    {
    }

    private Decorrelation(double l2, bool isOfAllRows, (double[] Values, double[] Vectors) eigen)
    {
        _l2 = l2;
        _columns = eigen.Values.Length;
        IsOfAllRows = isOfAllRows;
        _stride = RowLayout.WholeVectors(_columns);
        _eigenvalues = eigen.Values;
        _eigenvectors = eigen.Vectors;
        double largest = _eigenvalues.Max();
        _scales = Array.ConvertAll(_eigenvalues, value => value > SmallestShare * largest ? 1 / Math.Sqrt(value + l2) : 0);
        DirectionCount = _scales.Count(scale => scale > 0);
        ConditionNumber = DirectionCount == 0 ? 1 : Math.Sqrt(largest / _eigenvalues.Where(value => value > SmallestShare * largest).Min());
        _matrix = new float[_columns * _stride];
        for (int column = 0; column < _columns; column++)
        {
            for (int k = 0; k < _columns; k++)
                _matrix[column * _stride + k] = (float)(Eigenvector(column, k) * _scales[k]);
        }
    }

    /// <summary>Directions that are trained; the others have no variance.</summary>
    public int DirectionCount { get; }

    /// <summary>Directions that were dropped.</summary>
    public int DroppedCount => _columns - DirectionCount;

    /// <summary>Ratio of the largest to the smallest standard deviation in any direction kept, of the columns as stored.</summary>
    public double ConditionNumber { get; }

    /// <summary>Whether the covariance is that of all rows, not of a sample.</summary>
    public bool IsOfAllRows { get; }

    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static Decorrelation Exchange(Archive file, Decorrelation? decorrelation, int columns) => columns > 0
        ? new(file.Value(decorrelation?._l2), file.Flag(decorrelation?.IsOfAllRows),
            (file.Array(decorrelation?._eigenvalues, columns), file.Array(decorrelation?._eigenvectors, checked(columns * columns))))
        : throw new FormatException();

    /// <inheritdoc/>
    public void Write(BinaryWriter writer) => Exchange(Archive.ToWrite(writer.BaseStream), this, _columns);

    /// <inheritdoc/>
    public double Energy(double denseEnergy) => DirectionCount;

    /// <summary>
    /// Whether other rows with this covariance can be trained in these coordinates: no direction has another variance by much, none that was
    /// dropped has any, and no two are strongly correlated.
    /// </summary>
    public bool Fits(Covariance covariance, CancellationToken cancellation = default)
    {
        double[] matrix = covariance.ToArray();
        double largest = _eigenvalues.Max();
        var product = new double[_columns];
        for (int k = 0; k < _columns; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < _columns; i++)
            {
                product[i] = 0;
                for (int j = 0; j < _columns; j++)
                    product[i] += matrix[i * _columns + j] * Eigenvector(j, k);
            }
            for (int other = k; other < _columns; other++)
            {
                double value = 0;
                for (int i = 0; i < _columns; i++)
                    value += Eigenvector(i, other) * product[i];
                if (!FitsPair(k, other, value, largest))
                    return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    public void ToWeights(ReadOnlySpan<float> coordinates, Span<float> weights) =>
        LinearKernels.Residuals(_matrix, coordinates[.._stride], weights[.._columns]);

    /// <inheritdoc/>
    public void ToCoordinateGradient(ReadOnlySpan<float> gradient, Span<float> coordinateGradient)
    {
        coordinateGradient[.._stride].Clear();
        LinearKernels.AddGradient(_matrix, gradient[.._columns], coordinateGradient[.._stride]);
    }

    /// <inheritdoc/>
    public void ToWeights(Span<double> coordinates)
    {
        var weights = new double[_columns];
        for (int k = 0; k < _columns; k++)
        {
            double scaled = coordinates[k] * _scales[k];
            for (int column = 0; column < _columns; column++)
                weights[column] += Eigenvector(column, k) * scaled;
        }
        weights.CopyTo(coordinates);
    }

    /// <inheritdoc/>
    public void ToCoordinates(Span<float> weights)
    {
        var coordinates = new float[_columns];
        for (int k = 0; k < _columns; k++)
        {
            double sum = 0;
            for (int column = 0; column < _columns; column++)
                sum += Eigenvector(column, k) * weights[column];
            coordinates[k] = _scales[k] > 0 ? (float)(sum / _scales[k]) : 0;
        }
        coordinates.CopyTo(weights);
    }

    /// <summary>Diagonal of the inverse of the covariance over the directions kept, one number for each column.</summary>
    public double[] InverseDiagonal()
    {
        var diagonal = new double[_columns];
        for (int k = 0; k < _columns; k++)
        {
            for (int column = 0; _scales[k] > 0 && column < _columns; column++)
                diagonal[column] += Eigenvector(column, k) * Eigenvector(column, k) / _eigenvalues[k];
        }
        return diagonal;
    }

    /// <summary>The routine cannot be told to stop: once cancelled, it is waited for no longer. It uses nothing that others change or free.</summary>
    private static (double[] Values, double[] Vectors) Eigen(Covariance covariance, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return covariance.ColumnCount < FewestToAbandon || !cancellation.CanBeCanceled ? Eigen(covariance)
            : Task.Factory.StartNew(() => Eigen(covariance), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .WaitAsync(cancellation).GetAwaiter().GetResult();
    }

    private static (double[] Values, double[] Vectors) Eigen(Covariance covariance)
    {
        int columns = covariance.ColumnCount;
        var vectors = new double[columns * columns];
        var values = new Complex[columns];
        // The managed routine itself: a native provider chosen elsewhere in the process must change no bit.
        ManagedLinearAlgebraProvider.Instance.EigenDecomp(isSymmetric: true, columns, covariance.ToArray(), vectors, values, new double[columns * columns]);
        return (Array.ConvertAll(values, value => value.Real), vectors);
    }

    /// <param name="k">A direction.</param>
    /// <param name="other">The same, or another one.</param>
    /// <param name="value">The covariance of the two in other rows.</param>
    /// <param name="largest">The largest eigenvalue.</param>
    private bool FitsPair(int k, int other, double value, double largest)
    {
        bool bothKept = _scales[k] > 0 && _scales[other] > 0;
        if (k != other)
            return !bothKept || Math.Abs(value) <= MostCorrelation * Math.Sqrt(_eigenvalues[k] * _eigenvalues[other]);
        return bothKept
            ? value <= MostVarianceRatio * _eigenvalues[k] && value >= _eigenvalues[k] / MostVarianceRatio
            : value <= MostVarianceRatio * SmallestShare * largest;
    }

    private double Eigenvector(int column, int k) => _eigenvectors[k * _columns + column];
}

/// <summary>
/// Coordinates of dense columns too many to decorrelate all: only the few directions in which they vary far more than in the others are brought
/// to variance 1. A common factor of all columns no longer makes every row long and every step short.
/// </summary>
/// <remarks>M = I + V·diag(1/√variance − 1)·Vᵀ with orthonormal V, so that a step costs two products with the few rows of V.</remarks>
internal sealed class LeadingDecorrelation : IWeightTransform
{
    /// <summary>RMSProp copes with so much in other rows.</summary>
    private const double MostVarianceRatio = 4;

    private readonly LeadingDirections _leading;
    private readonly int _stride;
    private readonly float[] _matrix;
    private readonly double[] _scales;

    public LeadingDecorrelation(LeadingDirections leading)
    {
        _leading = leading;
        _stride = leading.Vectors[0].Length;
        _matrix = [.. leading.Vectors.SelectMany(vector => vector)];
        _scales = [.. leading.Variances.Select(variance => 1 / Math.Sqrt(variance))];
    }

    /// <summary>Directions that are scaled.</summary>
    public int DirectionCount => _scales.Length;

    public static LeadingDecorrelation Exchange(Archive file, LeadingDecorrelation? decorrelation, int columns) =>
        new(LeadingDirections.Exchange(file, decorrelation?._leading, columns));

    /// <inheritdoc/>
    public void Write(BinaryWriter writer) => LeadingDirections.Exchange(Archive.ToWrite(writer.BaseStream), _leading, _leading.ColumnCount);

    /// <inheritdoc/>
    public double Energy(double denseEnergy) => denseEnergy - _leading.Variances.Sum(variance => variance - 1);

    /// <summary>Whether other rows with these directions can be trained in these coordinates: as many stand out, and each of mine varies alike.</summary>
    public bool Fits(LeadingDirections? other) =>
        other is not null && other.Vectors.Count == DirectionCount && Enumerable.Range(0, DirectionCount).All(k =>
        {
            double ratio = VarianceAlong(_leading.Vectors[k], other) / _leading.Variances[k];
            return ratio is >= 1 / MostVarianceRatio and <= MostVarianceRatio;
        });

    /// <inheritdoc/>
    public void ToWeights(ReadOnlySpan<float> coordinates, Span<float> weights) => Multiply(coordinates[.._stride], weights[.._stride]);

    /// <inheritdoc/>
    public void ToCoordinateGradient(ReadOnlySpan<float> gradient, Span<float> coordinateGradient) =>
        Multiply(gradient[.._stride], coordinateGradient[.._stride]);

    /// <inheritdoc/>
    public void ToWeights(Span<double> coordinates)
    {
        for (int k = 0; k < DirectionCount; k++)
        {
            float[] vector = _leading.Vectors[k];
            double along = 0;
            for (int i = 0; i < coordinates.Length; i++)
                along += vector[i] * coordinates[i];
            for (int i = 0; i < coordinates.Length; i++)
                coordinates[i] += (_scales[k] - 1) * along * vector[i];
        }
    }

    /// <inheritdoc/>
    public void ToCoordinates(Span<float> weights)
    {
        for (int k = 0; k < DirectionCount; k++)
        {
            float[] vector = _leading.Vectors[k];
            double along = 0;
            for (int i = 0; i < weights.Length; i++)
                along += (double)vector[i] * weights[i];
            for (int i = 0; i < weights.Length; i++)
                weights[i] += (float)((1 / _scales[k] - 1) * along * vector[i]);
        }
    }

    /// <summary>M is symmetric: one product serves weights and gradients.</summary>
    private void Multiply(ReadOnlySpan<float> vector, Span<float> product)
    {
        Span<float> along = stackalloc float[DirectionCount];
        LinearKernels.Residuals(_matrix, vector, along);
        for (int k = 0; k < along.Length; k++)
            along[k] *= (float)(_scales[k] - 1);
        vector.CopyTo(product);
        LinearKernels.AddGradient(_matrix, along, product);
    }

    /// <summary>Of rows that vary alike in all directions but the leading ones.</summary>
    private static double VarianceAlong(float[] vector, LeadingDirections leading)
    {
        double variance = 1;
        for (int k = 0; k < leading.Vectors.Count; k++)
        {
            double along = vector.Zip(leading.Vectors[k], (x, y) => (double)x * y).Sum();
            variance += along * along * (leading.Variances[k] - 1);
        }
        return variance;
    }
}

/// <summary>Coordinates u in which the weights w of the dense columns are stepped: w = M·u, and so g_u = Mᵀ·g_w. Immutable.</summary>
internal interface IWeightTransform
{
    /// <summary>Mean squared length of a row's dense part in these coordinates.</summary>
    /// <param name="denseEnergy">That in the columns.</param>
    double Energy(double denseEnergy);

    /// <summary>w = M·u.</summary>
    void ToWeights(ReadOnlySpan<float> coordinates, Span<float> weights);

    /// <summary>g_u = Mᵀ·g_w.</summary>
    void ToCoordinateGradient(ReadOnlySpan<float> gradient, Span<float> coordinateGradient);

    /// <summary>w = M·u in double, in place.</summary>
    void ToWeights(Span<double> coordinates);

    /// <summary>u = M⁺·w, in place: the coordinates of the part of w that makes a difference.</summary>
    void ToCoordinates(Span<float> weights);

    /// <summary>Writes what it takes to make the same coordinates.</summary>
    void Write(BinaryWriter writer);
}
