using System.Numerics;
using System.Numerics.Tensors;
using MathNet.Numerics.Providers.LinearAlgebra;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Coordinates u of the dense columns' weights w = M·u, and so g_u = M·g_w, with the symmetric M = c·I + V·diag(s − c)·Vᵀ and orthonormal V.
/// RMSProp steps coordinate by coordinate and does not see correlation. In these coordinates the columns are uncorrelated, or less correlated.
/// Immutable.
/// </summary>
/// <remarks>
/// <para>
/// All directions (c = 0): V holds the eigenvectors of the covariance, and s is 1 over the root of each eigenvalue (plus λ of an L2 penalty,
/// which adds to the curvature). A squared loss then has condition number 1 whatever the columns. Directions in which the columns do not vary
/// are dropped (s = 0); duplicate columns share their weight.
/// </para>
/// <para>
/// Leading directions (c = 1), if there are too many columns to whiten all: V holds the few directions in which they vary far more than in the
/// others, and these get variance 1. Then a common factor of all columns no longer makes every row long and every step short. A step costs two
/// products with V.
/// </para>
/// <para>
/// Source: decorrelated inputs, LeCun, Bottou, Orr and Müller 1998, §4.3; the symmetric form: Bell and Sejnowski 1997; adaptive steps in an
/// eigenbasis: Vyas et al. 2024 (SOAP).
/// </para>
/// </remarks>
internal sealed class Whitening
{
    /// <summary>Eigenvalues below this share of the largest are rounding of the stored floats.</summary>
    public const double SmallestShare = 1e-10;

    /// <summary>RMSProp copes with directions in other rows that differ by this much.</summary>
    private const double MostVarianceRatio = 4;
    private const double MostCorrelation = 0.5;

    /// <summary>The eigenvectors of fewer columns take less than a hundredth of a second.</summary>
    private const int FewestToAbandon = 128;

    private readonly double _l2;
    private readonly int _columns;
    private readonly int _stride;
    private readonly double[] _vectors;
    private readonly double[] _variances;
    private readonly double[] _scales;

    /// <summary>The rows of M if it is of all directions, else those of Vᵀ; each padded with zeros to <see cref="_stride"/>.</summary>
    private readonly float[] _matrix;

    /// <summary>All directions.</summary>
    /// <param name="covariance">Of the dense columns.</param>
    /// <param name="l2">λ of the penalty ½·λ·‖w‖².</param>
    /// <param name="cancellation">Ends the waiting for the eigenvectors.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Whitening(Covariance covariance, double l2, CancellationToken cancellation = default)
        : this(isOfAllDirections: true, covariance.IsOfAllRows, l2, Decompose(covariance, cancellation), covariance.ColumnCount)
    {
    }

    /// <summary>The leading directions.</summary>
    public Whitening(LeadingDirections leading)
        : this(isOfAllDirections: false, isOfAllRows: false, l2: 0,
            ([.. leading.Variances], [.. leading.Vectors.SelectMany(vector => vector).Select(value => (double)value)]), leading.ColumnCount)
    {
    }

    private Whitening(bool isOfAllDirections, bool isOfAllRows, double l2, (double[] Variances, double[] Vectors) directions, int columns)
    {
        IsOfAllDirections = isOfAllDirections;
        IsOfAllRows = isOfAllRows;
        _l2 = l2;
        _columns = columns;
        (_variances, _vectors) = directions;
        double least = isOfAllDirections ? SmallestShare * _variances.Max() : 0;
        _scales = Array.ConvertAll(_variances, variance => variance > least ? 1 / Math.Sqrt(variance + l2) : 0);
        DirectionCount = _scales.Count(scale => scale > 0);
        ConditionNumber = DirectionCount == 0 ? 1 : Math.Sqrt(_variances.Max() / _variances.Where(variance => variance > least).Min());
        // V's rows are as long as the dense part of packed rows without example weights, which has the bias and the label after the columns.
        _stride = RowLayout.WholeVectors(isOfAllDirections ? columns : columns + 2);
        _matrix = isOfAllDirections ? Matrix() : Padded(_vectors, columns, _stride);
    }

    /// <summary>Whether c is 0.</summary>
    public bool IsOfAllDirections { get; }

    /// <summary>Whether V is from all rows, not from a sample.</summary>
    public bool IsOfAllRows { get; }

    /// <summary>Directions that get variance 1.</summary>
    public int DirectionCount { get; }

    /// <summary>Directions without variance, which are not trained.</summary>
    public int DroppedCount => _scales.Length - DirectionCount;

    /// <summary>Ratio of the largest to the smallest standard deviation in any direction of V that is kept, of the columns as stored.</summary>
    public double ConditionNumber { get; }

    private double C => IsOfAllDirections ? 0 : 1;

    /// <summary>Writes a whitening to a file, or reads one.</summary>
    /// <param name="file">The file.</param>
    /// <param name="whitening">The whitening to write.</param>
    /// <param name="columns">The dense columns.</param>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static Whitening Exchange(Archive file, Whitening? whitening, int columns)
    {
        bool isOfAllDirections = file.Flag(whitening?.IsOfAllDirections);
        bool isOfAllRows = file.Flag(whitening?.IsOfAllRows);
        double l2 = file.Value(whitening?._l2);
        double[] variances = file.Array(whitening?._variances);
        double[] vectors = file.Array(whitening?._vectors, checked(variances.Length * columns));
        bool fits = isOfAllDirections ? variances.Length == columns : variances.Length <= Decisions.MostLeadingDirections;
        return fits && variances.Length > 0 ? new(isOfAllDirections, isOfAllRows, l2, (variances, vectors), columns) : throw new FormatException();
    }

    /// <summary>Mean squared length of a row's dense part in these coordinates.</summary>
    /// <param name="rowNorm">The same in the columns.</param>
    public double RowNorm(double rowNorm) => IsOfAllDirections ? DirectionCount : rowNorm - _variances.Sum(variance => variance - 1);

    /// <summary>Whether other rows can be trained in these coordinates.</summary>
    /// <param name="covariance">Of those rows; null if it is not known.</param>
    /// <param name="leading">Their leading directions; null if there are none.</param>
    /// <param name="cancellation">Ends the comparison.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public bool Fits(Covariance? covariance, LeadingDirections? leading, CancellationToken cancellation = default) => IsOfAllDirections
        ? covariance is not null && FitsAll(covariance, cancellation)
        : leading is not null && FitsLeading(leading);

    /// <summary>M·x, of weights' coordinates or of a gradient.</summary>
    /// <param name="vector">x, as long as the dense part of the parameters.</param>
    /// <param name="product">The same length; what follows the dense columns is not defined.</param>
    public void Multiply(ReadOnlySpan<float> vector, Span<float> product)
    {
        if (IsOfAllDirections)
        {
            LinearKernels.Residuals(_matrix, vector[.._stride], product[.._columns]);
            return;
        }
        Span<float> along = stackalloc float[_scales.Length];
        LinearKernels.Residuals(_matrix, vector[.._stride], along);
        for (int k = 0; k < along.Length; k++)
            along[k] *= (float)(_scales[k] - 1);
        vector[.._stride].CopyTo(product);
        LinearKernels.AddGradient(_matrix, along, product[.._stride]);
    }

    /// <summary>M·u in double.</summary>
    public double[] ToWeights(ReadOnlySpan<double> coordinates) => Multiply(coordinates, _scales);

    /// <summary>M⁺·w: the coordinates of w, without its component in dropped directions.</summary>
    public float[] ToCoordinates(ReadOnlySpan<float> weights)
    {
        double[] inDouble = Array.ConvertAll(weights.ToArray(), weight => (double)weight);
        return Array.ConvertAll(Multiply(inDouble, Array.ConvertAll(_scales, scale => scale > 0 ? 1 / scale : 0)), coordinate => (float)coordinate);
    }

    /// <summary>Diagonal of the inverse of the covariance over the directions kept, one number for each column; of all directions only.</summary>
    public double[] InverseDiagonal()
    {
        var diagonal = new double[_columns];
        for (int k = 0; k < _scales.Length; k++)
        {
            ReadOnlySpan<double> vector = Vector(k);
            for (int column = 0; _scales[k] > 0 && column < _columns; column++)
                diagonal[column] += vector[column] * vector[column] / _variances[k];
        }
        return diagonal;
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

    private ReadOnlySpan<double> Vector(int k) => _vectors.AsSpan(k * _columns, _columns);

    /// <summary>c·x + V·diag(scales − c)·Vᵀ·x.</summary>
    private double[] Multiply(ReadOnlySpan<double> x, double[] scales)
    {
        var product = new double[_columns];
        TensorPrimitives.Multiply(x, C, product);
        for (int k = 0; k < scales.Length; k++)
            TensorPrimitives.MultiplyAdd(Vector(k), (scales[k] - C) * TensorPrimitives.Dot(Vector(k), x), product, product);
        return product;
    }

    /// <summary>M = V·diag(s)·Vᵀ, row by row from the diagonal on.</summary>
    private float[] Matrix()
    {
        var matrix = new float[_columns * _stride];
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
                matrix[i * _stride + j] = matrix[j * _stride + i] = (float)row[j];
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

    /// <summary>
    /// Whether, in rows with this covariance, every direction has a similar variance, dropped directions have none, and no two directions are
    /// strongly correlated.
    /// </summary>
    private bool FitsAll(Covariance covariance, CancellationToken cancellation)
    {
        double[] matrix = covariance.ToArray();
        double largest = _variances.Max();
        var product = new double[_columns];
        for (int k = 0; k < _columns; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < _columns; i++)
                product[i] = TensorPrimitives.Dot(matrix.AsSpan(i * _columns, _columns), Vector(k));
            for (int other = k; other < _columns; other++)
            {
                if (!FitsPair(k, other, TensorPrimitives.Dot(Vector(other), product), largest))
                    return false;
            }
        }
        return true;
    }

    /// <param name="k">A direction.</param>
    /// <param name="other">The same, or another one.</param>
    /// <param name="value">The covariance of the two in other rows.</param>
    /// <param name="largest">The largest variance.</param>
    private bool FitsPair(int k, int other, double value, double largest)
    {
        bool bothKept = _scales[k] > 0 && _scales[other] > 0;
        if (k != other)
            return !bothKept || Math.Abs(value) <= MostCorrelation * Math.Sqrt(_variances[k] * _variances[other]);
        return bothKept ? IsAlike(value, _variances[k]) : value <= MostVarianceRatio * SmallestShare * largest;
    }

    /// <summary>Whether other rows have the same number of leading directions, and a similar variance along each of these.</summary>
    private bool FitsLeading(LeadingDirections other) =>
        other.ColumnCount == _columns && other.Vectors.Count == DirectionCount && Enumerable.Range(0, DirectionCount).All(k =>
        {
            double variance = 1;
            for (int i = 0; i < other.Vectors.Count; i++)
            {
                double along = TensorPrimitives.Dot(Vector(k), Array.ConvertAll(other.Vectors[i], value => (double)value));
                variance += along * along * (other.Variances[i] - 1);
            }
            return IsAlike(variance, _variances[k]);
        });

    private static bool IsAlike(double variance, double other) =>
        variance <= MostVarianceRatio * other && variance >= other / MostVarianceRatio;
}
