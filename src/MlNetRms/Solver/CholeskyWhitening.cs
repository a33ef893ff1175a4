using System.Numerics.Tensors;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;

namespace MlNetRms.Solver;

/// <summary>
/// Coordinates u of the columns' weights w = L⁻ᵀ·u with the Cholesky factor of the covariance, C = L·Lᵀ. The columns are uncorrelated in them, with
/// variance 1. Immutable.
/// </summary>
/// <remarks>
/// The factor takes a fraction of the time of eigenvectors (<see cref="Whitening"/>). It pivots on the column of which the columns before leave the
/// largest share (Higham 1990). A column that depends on those before it is dropped: its weight is 0, and what it tells is in the others.
/// </remarks>
internal sealed class CholeskyWhitening : IWhitening
{
    /// <summary>A variance that others explain up to this share of the column's is rounding.</summary>
    private const double SmallestShare = 1e-10;

    private const int MostOnStack = 2048;
    private const int BlockRows = 64;

    /// <summary>The columns in the order of the factor; the dropped ones are last.</summary>
    private readonly int[] _order;

    /// <summary>L⁻¹ in blocks of rows, each as long as its last row, so that the upper triangle takes no time.</summary>
    private readonly float[][] _inverse;

    /// <summary>The rows of L by column, of dropped columns too.</summary>
    private readonly double[][] _factor;

    /// <param name="covariance">C.</param>
    /// <param name="l2">λ of the penalty ½·λ·‖w‖².</param>
    /// <param name="cancellation">Ends the factorisation.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public CholeskyWhitening(Covariance covariance, double l2, CancellationToken cancellation = default)
    {
        IsOfAllRows = covariance.IsOfAllRows;
        _order = [.. Enumerable.Range(0, covariance.ColumnCount)];
        (_factor, DirectionCount) = Factorize(covariance.Elements, l2, _order, cancellation);
        _inverse = Invert(_factor, _order, DirectionCount, cancellation);
    }

    private CholeskyWhitening(Archive file, CholeskyWhitening? written, int columns)
    {
        IsOfAllRows = file.Flag(written?.IsOfAllRows);
        DirectionCount = file.Value(written?.DirectionCount);
        _order = file.Array(written?._order, columns);
        if (DirectionCount < 0 || DirectionCount > columns || !_order.Order().SequenceEqual(Enumerable.Range(0, columns)))
            throw new FormatException();
        _inverse = [.. Enumerable.Range(0, Divide.RoundUp(DirectionCount, BlockRows)).Select(
            block => file.Array(written?._inverse[block], checked(RowsOf(block, DirectionCount) * StrideOf(block, DirectionCount))))];
        _factor = new double[columns][];
        for (int k = 0; k < columns; k++)
            _factor[_order[k]] = file.Array(written?._factor[_order[k]], Math.Min(k + 1, DirectionCount));
    }

    /// <inheritdoc/>
    public int ColumnCount => _order.Length;

    /// <inheritdoc/>
    public bool IsOfAllRows { get; }

    /// <inheritdoc/>
    public int DirectionCount { get; }

    /// <inheritdoc/>
    public int DroppedCount => _order.Length - DirectionCount;

    /// <summary>Writes a whitening to a file, or reads one.</summary>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static CholeskyWhitening Exchange(Archive file, CholeskyWhitening? written, int columns) => new(file, written, columns);

    /// <inheritdoc/>
    public void Multiply(ReadOnlySpan<float> coordinates, Span<float> weights)
    {
        int length = RowLayout.WholeVectors(_order.Length);
        scoped Span<float> ordered = length <= MostOnStack ? stackalloc float[length] : new float[length];
        ordered.Clear();
        for (int block = 0; block < _inverse.Length; block++)
        {
            LinearKernels.AddGradient(_inverse[block], coordinates.Slice(block * BlockRows, RowsOf(block, DirectionCount)),
                ordered[..StrideOf(block, DirectionCount)]);
        }
        for (int k = 0; k < _order.Length; k++)
            weights[_order[k]] = k < DirectionCount ? ordered[k] : 0;
    }

    /// <inheritdoc/>
    public void MultiplyTransposed(ReadOnlySpan<float> gradient, Span<float> ofCoordinates)
    {
        int length = RowLayout.WholeVectors(_order.Length);
        scoped Span<float> ordered = length <= MostOnStack ? stackalloc float[length] : new float[length];
        ordered.Clear();
        for (int k = 0; k < DirectionCount; k++)
            ordered[k] = gradient[_order[k]];
        for (int block = 0; block < _inverse.Length; block++)
        {
            LinearKernels.Residuals(_inverse[block], ordered[..StrideOf(block, DirectionCount)],
                ofCoordinates.Slice(block * BlockRows, RowsOf(block, DirectionCount)));
        }
        ofCoordinates[DirectionCount.._order.Length].Clear();
    }

    /// <inheritdoc/>
    public double[] Multiply(ReadOnlySpan<double> coordinates)
    {
        var ordered = new double[RowLayout.WholeVectors(_order.Length)];
        for (int block = 0; block < _inverse.Length; block++)
        {
            WideKernels.AddRows(_inverse[block], coordinates.Slice(block * BlockRows, RowsOf(block, DirectionCount)),
                ordered.AsSpan(0, StrideOf(block, DirectionCount)));
        }
        var weights = new double[_order.Length];
        for (int k = 0; k < DirectionCount; k++)
            weights[_order[k]] = ordered[k];
        return weights;
    }

    /// <inheritdoc/>
    public double[] MultiplyTransposed(ReadOnlySpan<double> gradient)
    {
        var ordered = new double[RowLayout.WholeVectors(_order.Length)];
        for (int k = 0; k < DirectionCount; k++)
            ordered[k] = gradient[_order[k]];
        var ofCoordinates = new double[_order.Length];
        for (int block = 0; block < _inverse.Length; block++)
        {
            WideKernels.Products(_inverse[block], ordered.AsSpan(0, StrideOf(block, DirectionCount)),
                ofCoordinates.AsSpan(block * BlockRows, RowsOf(block, DirectionCount)));
        }
        return ofCoordinates;
    }

    /// <inheritdoc/>
    // u = Lᵀ·w gives the same predictions even if dropped columns have weights.
    public double[] ToCoordinates(ReadOnlySpan<double> weights)
    {
        var coordinates = new double[_order.Length];
        for (int column = 0; column < _order.Length; column++)
        {
            double[] row = _factor[column];
            TensorPrimitives.MultiplyAdd(row, weights[column], coordinates.AsSpan(0, row.Length), coordinates.AsSpan(0, row.Length));
        }
        return coordinates;
    }

    private static int RowsOf(int block, int rank) => Math.Min(BlockRows, rank - block * BlockRows);

    /// <summary>Length of a block's rows.</summary>
    private static int StrideOf(int block, int rank) => RowLayout.WholeVectors(Math.Min((block + 1) * BlockRows, rank));

    /// <param name="covariance">C, row by row.</param>
    /// <param name="l2">Added to its diagonal.</param>
    /// <param name="order">The columns; they are brought into the order of the factor.</param>
    /// <param name="cancellation">Ends the factorisation.</param>
    /// <returns>The rows of L by column, as long as the column's number in the order tells, and the number of columns that are kept.</returns>
    private static (double[][] Factor, int Rank) Factorize(ReadOnlySpan<double> covariance, double l2, int[] order, CancellationToken cancellation)
    {
        int columns = order.Length;
        var factor = new double[columns][];
        var left = new double[columns];
        var variances = new double[columns];
        for (int i = 0; i < columns; i++)
        {
            factor[i] = new double[columns];
            left[i] = variances[i] = covariance[i * columns + i] + l2;
        }
        int rank = 0;
        for (; rank < columns; rank++)
        {
            cancellation.ThrowIfCancellationRequested();
            int best = rank;
            for (int k = rank + 1; k < columns; k++)
            {
                if (Share(order[k]) > Share(order[best]))
                    best = k;
            }
            if (!(Share(order[best]) > SmallestShare))
                break;
            (order[rank], order[best]) = (order[best], order[rank]);
            int pivot = order[rank];
            double[] ofPivot = factor[pivot];
            double root = ofPivot[rank] = Math.Sqrt(left[pivot]);
            for (int k = rank + 1; k < columns; k++)
            {
                int i = order[k];
                double product = covariance[i * columns + pivot] - TensorPrimitives.Dot(factor[i].AsSpan(0, rank), ofPivot.AsSpan(0, rank));
                double value = factor[i][rank] = product / root;
                left[i] -= value * value;
            }
        }
        for (int k = 0; k < columns; k++)
            factor[order[k]] = factor[order[k]][..Math.Min(k + 1, rank)];
        return (factor, rank);

        double Share(int column) => variances[column] > 0 ? left[column] / variances[column] : 0;
    }

    private static float[][] Invert(double[][] factor, int[] order, int rank, CancellationToken cancellation)
    {
        var rows = new double[rank][];
        float[][] inverse = [.. Enumerable.Range(0, Divide.RoundUp(rank, BlockRows)).Select(
            block => new float[RowsOf(block, rank) * StrideOf(block, rank)])];
        for (int i = 0; i < rank; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[] row = rows[i] = new double[i + 1];
            double[] ofFactor = factor[order[i]];
            for (int k = 0; k < i; k++)
                TensorPrimitives.MultiplyAdd(rows[k], -ofFactor[k], row.AsSpan(0, k + 1), row.AsSpan(0, k + 1));
            row[i] = 1;
            TensorPrimitives.Divide(row, ofFactor[i], row);
            (int block, int rowOfBlock) = Math.DivRem(i, BlockRows);
            Span<float> rounded = inverse[block].AsSpan(rowOfBlock * StrideOf(block, rank));
            for (int j = 0; j <= i; j++)
                rounded[j] = (float)row[j];
        }
        return inverse;
    }
}
