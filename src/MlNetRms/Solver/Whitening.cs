using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using MathNet.Numerics.Providers.LinearAlgebra;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;

namespace MlNetRms.Solver;

/// <summary>
/// Coordinates u of the columns' weights w = M·u, and so g_u = M·g_w, with the symmetric M = V·diag(s)·Vᵀ. RMSProp steps coordinate by coordinate
/// and does not see correlation. In these coordinates the columns are uncorrelated. Immutable.
/// </summary>
/// <remarks>
/// <para>
/// V holds the eigenvectors of the covariance, and s is 1 over the root of each eigenvalue (plus λ of an L2 penalty, which adds to the curvature). A
/// squared loss then has condition number 1 whatever the columns. Directions in which the columns vary no more than by rounding are dropped (s = 0):
/// a weight along them would bring a prediction in float more error than it explains. So duplicate columns share their weight.
/// </para>
/// <para>
/// Source: decorrelated inputs, LeCun, Bottou, Orr and Müller 1998, §4.3; the symmetric form: Bell and Sejnowski 1997; adaptive steps in an
/// eigenbasis: Vyas et al. 2024 (SOAP).
/// </para>
/// </remarks>
internal sealed class Whitening : IWhitening
{
    /// <summary>RMSProp copes with directions in other rows that differ by this much.</summary>
    private const double MostVarianceRatio = 4;
    private const double MostCorrelation = 0.5;

    /// <summary>
    /// Rounded to float, M brings noise into weights and gradients along its shortest directions: 10⁻⁷ times the condition number.
    /// </summary>
    private const double LargestConditionOfFloats = 1e4;

    /// <summary>A vector with less than this share of its squared length along dropped directions has only rounding there.</summary>
    private const double LargestUnknownShare = 1e-10;

    /// <summary>The eigenvectors of fewer columns take less than a hundredth of a second.</summary>
    private const int FewestToAbandon = 128;

    private readonly double _l2;
    private readonly int _columns;
    private readonly int _stride;
    private readonly double[] _vectors;

    /// <summary>0 in the directions dropped.</summary>
    private readonly double[] _variances;
    private readonly double[] _scales;

    /// <summary>The rows of M in double, if rounding them to float would be felt; else null.</summary>
    private readonly double[]? _exactMatrix;

    /// <summary>The rows of M, each padded with zeros to <see cref="_stride"/>.</summary>
    private readonly float[] _matrix;

    /// <param name="covariance">Of the columns.</param>
    /// <param name="l2">λ of the penalty ½·λ·‖w‖².</param>
    /// <param name="cancellation">Ends the waiting for the eigenvectors.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Whitening(Covariance covariance, double l2, CancellationToken cancellation = default)
        : this(covariance.IsOfAllRows, l2, WithoutRounding(covariance, Decompose(covariance, cancellation)), covariance.ColumnCount)
    {
    }

    private Whitening(bool isOfAllRows, double l2, (double[] Variances, double[] Vectors) directions, int columns)
    {
        IsOfAllRows = isOfAllRows;
        _l2 = l2;
        _columns = columns;
        (_variances, _vectors) = directions;
        _scales = Array.ConvertAll(_variances, variance => variance > 0 ? 1 / Math.Sqrt(variance + l2) : 0);
        DirectionCount = _scales.Count(scale => scale > 0);
        ConditionNumber = DirectionCount == 0 ? 1 : Math.Sqrt(_variances.Max() / _variances.Where(variance => variance > 0).Min());
        _stride = RowLayout.WholeVectors(columns);
        double[] matrix = Matrix();
        _exactMatrix = ConditionNumber > LargestConditionOfFloats ? matrix : null;
        _matrix = _exactMatrix is null ? Padded(matrix, columns, _stride) : [];
    }

    /// <inheritdoc/>
    public bool IsOfAllRows { get; }

    /// <inheritdoc/>
    public int DirectionCount { get; }

    /// <inheritdoc/>
    public int DroppedCount => _scales.Length - DirectionCount;

    /// <summary>Ratio of the largest to the smallest standard deviation in any direction of V that is kept, of the columns as stored.</summary>
    public double ConditionNumber { get; }

    /// <inheritdoc/>
    public int ColumnCount => _columns;

    /// <summary>Writes a whitening to a file, or reads one.</summary>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static Whitening Exchange(Archive file, Whitening? whitening, int columns)
    {
        bool isOfAllRows = file.Flag(whitening?.IsOfAllRows);
        double l2 = file.Value(whitening?._l2);
        double[] variances = file.Array(whitening?._variances, columns);
        double[] vectors = file.Array(whitening?._vectors, checked(columns * columns));
        return new(isOfAllRows, l2, (variances, vectors), columns);
    }

    /// <summary>
    /// Whether other rows can be trained in these coordinates: every direction has a similar variance in them, dropped directions have none, and no
    /// two directions are strongly correlated.
    /// </summary>
    /// <param name="covariance">Of those rows.</param>
    /// <param name="cancellation">Ends the comparison.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public bool Fits(Covariance covariance, CancellationToken cancellation = default)
    {
        double[] matrix = covariance.ToArray();
        var product = new double[_columns];
        for (int k = 0; k < _columns; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < _columns; i++)
                product[i] = TensorPrimitives.Dot(matrix.AsSpan(i * _columns, _columns), Vector(k));
            for (int other = k; other < _columns; other++)
            {
                if (!FitsPair(k, other, TensorPrimitives.Dot(Vector(other), product), covariance))
                    return false;
            }
        }
        return true;
    }

    /// <inheritdoc/>
    public void Multiply(ReadOnlySpan<float> coordinates, Span<float> weights)
    {
        if (_exactMatrix is null)
            LinearKernels.Residuals(_matrix, coordinates[.._stride], weights[.._columns]);
        else
            MultiplyExactly(coordinates[.._columns], weights);
    }

    /// <inheritdoc/>
    public void MultiplyTransposed(ReadOnlySpan<float> gradient, Span<float> ofCoordinates) => Multiply(gradient, ofCoordinates);

    /// <inheritdoc/>
    public double[] Multiply(ReadOnlySpan<double> coordinates) => Multiply(coordinates, _scales);

    /// <inheritdoc/>
    public double[] MultiplyTransposed(ReadOnlySpan<double> gradient) => Multiply(gradient, _scales);

    /// <inheritdoc/>
    public double[] ToCoordinates(ReadOnlySpan<double> weights) => Multiply(weights, Array.ConvertAll(_scales, scale => scale > 0 ? 1 / scale : 0));

    /// <summary>(C + λ)⁻¹·g over the directions kept: the step from weights with the gradient g to the optimum of the squared loss.</summary>
    public double[] Newton(ReadOnlySpan<double> gradient) => Multiply(gradient, Array.ConvertAll(_scales, scale => scale * scale));

    /// <summary>The part of a vector that is along the directions dropped.</summary>
    public double[] OntoDropped(ReadOnlySpan<double> vector) => Multiply(vector, Array.ConvertAll(_scales, scale => scale > 0 ? 0.0 : 1));

    /// <summary>
    /// Diagonal of the inverse of the covariance over the directions kept, by column; null in columns with a part along the directions dropped, of
    /// which nothing is known.
    /// </summary>
    public double?[] InverseDiagonal()
    {
        var diagonal = new double[_columns];
        var unknown = new double[_columns];
        for (int k = 0; k < _scales.Length; k++)
        {
            ReadOnlySpan<double> vector = Vector(k);
            double inverse = _scales[k] > 0 ? 1 / _variances[k] : 0;
            for (int column = 0; column < _columns; column++)
            {
                double square = vector[column] * vector[column];
                diagonal[column] += square * inverse;
                unknown[column] += _scales[k] > 0 ? 0 : square;
            }
        }
        return [.. diagonal.Zip(unknown, (value, share) => share <= LargestUnknownShare ? value : (double?)null)];
    }

    /// <summary>C⁻¹·v for the covariance C over the directions kept.</summary>
    public double[] Inverse(ReadOnlySpan<double> vector) =>
        Multiply(vector, [.. _scales.Select((scale, k) => scale > 0 ? 1 / _variances[k] : 0)]);

    /// <summary>
    /// vᵀ·C⁻¹·v for the covariance C over the directions kept; null if v has a part along the directions dropped, of which nothing is known.
    /// </summary>
    /// <param name="vector">v, by column.</param>
    public double? InverseForm(ReadOnlySpan<double> vector)
    {
        double form = 0;
        double unknown = 0;
        for (int k = 0; k < _scales.Length; k++)
        {
            double along = TensorPrimitives.Dot(vector, Vector(k));
            if (_scales[k] > 0)
                form += along * along / _variances[k];
            else
                unknown += along * along;
        }
        return unknown <= LargestUnknownShare * TensorPrimitives.SumOfSquares(vector) ? form : null;
    }

    /// <summary>The routine cannot be cancelled, so a cancelled caller abandons it. It uses nothing that others change or free.</summary>
    private static (double[] Variances, double[] Vectors) Decompose(Covariance covariance, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return covariance.ColumnCount < FewestToAbandon || !cancellation.CanBeCanceled ? Decompose(covariance)
            : Task.Factory.StartNew(() => Decompose(covariance), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .WaitAsync(cancellation).GetAwaiter().GetResult();
    }

    private static (double[] Variances, double[] Vectors) Decompose(Covariance covariance)
    {
        int columns = covariance.ColumnCount;
        var vectors = new double[columns * columns];
        var values = new Complex[columns];
        // Called directly, so that a native provider chosen elsewhere in the process changes no bit.
        ManagedLinearAlgebraProvider.Instance.EigenDecomp(
            isSymmetric: true, columns, covariance.ToArray(), vectors, values, new double[columns * columns]);
        return (Array.ConvertAll(values, value => value.Real), vectors);
    }

    private static (double[] Variances, double[] Vectors) WithoutRounding(Covariance covariance, (double[] Variances, double[] Vectors) directions)
    {
        int columns = covariance.ColumnCount;
        double[] variances = [.. directions.Variances.Select((variance, k) =>
            variance > covariance.RoundingAlong(directions.Vectors.AsSpan(k * columns, columns)) ? variance : 0)];
        return (variances, directions.Vectors);
    }

    private ReadOnlySpan<double> Vector(int k) => _vectors.AsSpan(k * _columns, _columns);

    /// <summary>V·diag(scales)·Vᵀ·x.</summary>
    private double[] Multiply(ReadOnlySpan<double> x, double[] scales)
    {
        var product = new double[_columns];
        for (int k = 0; k < scales.Length; k++)
            TensorPrimitives.MultiplyAdd(Vector(k), scales[k] * TensorPrimitives.Dot(Vector(k), x), product, product);
        return product;
    }

    /// <summary>M·x in double. It is a sum of M's columns, so that its bits do not depend on the length of vectors.</summary>
    private void MultiplyExactly(ReadOnlySpan<float> x, Span<float> product)
    {
        double[] rented = ArrayPool<double>.Shared.Rent(_columns);
        Span<double> sum = rented.AsSpan(0, _columns);
        sum.Clear();
        for (int i = 0; i < _columns; i++)
            TensorPrimitives.MultiplyAdd(_exactMatrix.AsSpan(i * _columns, _columns), x[i], sum, sum);
        for (int i = 0; i < _columns; i++)
            product[i] = (float)sum[i];
        ArrayPool<double>.Shared.Return(rented);
    }

    /// <summary>M = V·diag(s)·Vᵀ, row by row from the diagonal on.</summary>
    private double[] Matrix()
    {
        var matrix = new double[_columns * _columns];
        var row = new double[_columns];
        for (int i = 0; i < _columns; i++)
        {
            Span<double> right = row.AsSpan(i);
            right.Clear();
            for (int k = 0; k < _columns; k++)
            {
                if (_scales[k] > 0)
                    TensorPrimitives.MultiplyAdd(Vector(k)[i..], _scales[k] * Vector(k)[i], right, right);
            }
            for (int j = i; j < _columns; j++)
                matrix[i * _columns + j] = matrix[j * _columns + i] = row[j];
        }
        return matrix;
    }

    private static float[] Padded(double[] vectors, int columns, int stride)
    {
        var padded = new float[vectors.Length / columns * stride];
        for (int i = 0; i < vectors.Length; i++)
            padded[i / columns * stride + i % columns] = (float)vectors[i];
        return padded;
    }

    /// <param name="k">A direction.</param>
    /// <param name="other">The same, or another one.</param>
    /// <param name="value">The covariance of the two in other rows.</param>
    /// <param name="covariance">That of the other rows.</param>
    private bool FitsPair(int k, int other, double value, Covariance covariance)
    {
        bool bothKept = _scales[k] > 0 && _scales[other] > 0;
        if (k != other)
            return !bothKept || Math.Abs(value) <= MostCorrelation * Math.Sqrt(_variances[k] * _variances[other]);
        return bothKept ? IsAlike(value, _variances[k]) : value <= MostVarianceRatio * covariance.RoundingAlong(Vector(k));
    }

    private static bool IsAlike(double variance, double other) =>
        variance <= MostVarianceRatio * other && variance >= other / MostVarianceRatio;
}

/// <summary>Coordinates u of the weights of columns, w = M·u. Vectors are in the order of the columns.</summary>
internal interface IWhitening
{
    int ColumnCount { get; }

    /// <summary>Whether the coordinates are from the covariance of all rows, not from a sample or a sketch.</summary>
    bool IsOfAllRows { get; }

    /// <summary>Directions that get variance 1.</summary>
    int DirectionCount { get; }

    /// <summary>Directions without variance, which are not trained.</summary>
    int DroppedCount { get; }

    /// <summary>
    /// M·u. The vectors are padded to a whole number of SIMD vectors, with zeros in <paramref name="coordinates"/> or in what they meet.
    /// </summary>
    void Multiply(ReadOnlySpan<float> coordinates, Span<float> weights);

    /// <summary>Mᵀ·g, the gradient in the coordinates.</summary>
    void MultiplyTransposed(ReadOnlySpan<float> gradient, Span<float> ofCoordinates);

    /// <inheritdoc cref="Multiply(ReadOnlySpan{float}, Span{float})"/>
    double[] Multiply(ReadOnlySpan<double> coordinates);

    /// <inheritdoc cref="MultiplyTransposed(ReadOnlySpan{float}, Span{float})"/>
    double[] MultiplyTransposed(ReadOnlySpan<double> gradient);

    /// <summary>Coordinates with the predictions of given weights, except for what they have in dropped directions.</summary>
    double[] ToCoordinates(ReadOnlySpan<double> weights);
}
