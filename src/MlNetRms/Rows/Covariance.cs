using System.Numerics;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

/// <summary>The covariance matrix of the dense columns of stored rows, which have mean 0 there.</summary>
internal sealed class Covariance
{
    private const int BlockRows = 128;

    private readonly double[] _matrix;

    private Covariance(int columnCount, double[] matrix, bool isOfAllRows)
    {
        ColumnCount = columnCount;
        _matrix = matrix;
        IsOfAllRows = isOfAllRows;
    }

    public int ColumnCount { get; }

    /// <summary>Whether every row took part.</summary>
    public bool IsOfAllRows { get; }

    /// <summary>Whether no element is infinite or NaN.</summary>
    public bool IsFinite => Array.TrueForAll(_matrix, double.IsFinite);

    /// <summary>The elements, column by column; a copy.</summary>
    public double[] ToArray() => [.. _matrix];

    /// <param name="rows">The rows.</param>
    /// <param name="cancellation">Ends the pass over them.</param>
    /// <param name="isSampleEnough">Whether to take a sample where all rows would do, but take longer.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Covariance Of(RowSet rows, CancellationToken cancellation, bool isSampleEnough = false) =>
        rows.Parts[0].CentersSparse ? OfNonZeros(rows, cancellation) : OfDense(rows, isSampleEnough, cancellation);

    private static Covariance OfDense(RowSet rows, bool isSampleEnough, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        long count = Decisions.CovarianceRows(rows.RowCount, columns, isSampleEnough);
        int step = Math.Max(CovarianceKernels.ColumnsAtOnce, Vector<double>.Count);
        int stride = (columns + step - 1) / step * step;
        double[] sums = rows.Sum(part => Products(part, rows.ShareOf(part, count), stride, cancellation));
        return new Covariance(columns, Divided(sums, stride, columns), isOfAllRows: count == rows.RowCount);
    }

    /// <returns>The sums of the products of a part's columns, then that of its weights.</returns>
    private static double[] Products(PackedRows rows, long count, int stride, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        var block = new double[BlockRows * stride];
        var sums = new double[stride * stride + 1];
        foreach ((long start, int filled) in rows.EvenBlocks(count, BlockRows))
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < filled; i++)
                sums[^1] += Copy(rows, start + i, block.AsSpan(i * stride, columns));
            CovarianceKernels.AddProducts(block.AsSpan(0, filled * stride), stride, sums.AsSpan(..^1));
        }
        return sums;
    }

    /// <summary>
    /// Of all rows, by the values that are not zero alone: a sample would miss rare ones. A row is z + s with the stored zeros z and few s that
    /// are not 0, and the mean of (z + s)·(z + s)ᵀ is z·zᵀ + z·s̄ᵀ + s̄·zᵀ + the mean of s·sᵀ.
    /// </summary>
    private static Covariance OfNonZeros(RowSet rows, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        float[] zeros = rows.Parts[0].StoredZeros();
        double[] sums = rows.Sum(part => NonZeroProducts(part, zeros, cancellation));
        double[] matrix = sums[..(columns * columns)];
        ReadOnlySpan<double> means = sums.AsSpan(columns * columns, columns);
        double weights = sums[^1];
        for (int i = 0; i < columns; i++)
        {
            for (int j = i; j < columns; j++)
            {
                double shifts = (double)zeros[i] * zeros[j] + (zeros[i] * means[j] + means[i] * zeros[j]) / weights;
                matrix[i * columns + j] = matrix[j * columns + i] = matrix[i * columns + j] / weights + shifts;
            }
        }
        return new Covariance(columns, matrix, isOfAllRows: true);
    }

    /// <returns>The sums of the products of a part's s, then those of s, then that of the weights.</returns>
    private static double[] NonZeroProducts(PackedRows rows, float[] zeros, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        var sums = new double[columns * columns + columns + 1];
        Span<double> matrix = sums.AsSpan(0, columns * columns);
        Span<double> means = sums.AsSpan(columns * columns, columns);
        var places = new int[columns];
        var values = new double[columns];
        for (long position = 0; position < rows.RowCount; position++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> row = rows.DenseRows(position, 1);
            double weight = rows.Weight(row);
            sums[^1] += weight;
            int count = 0;
            for (int lane = 0; lane < columns; lane++)
            {
                if (row[lane] != zeros[lane])
                    (places[count], values[count++]) = (lane, (double)row[lane] - zeros[lane]);
            }
            for (int a = 0; a < count; a++)
            {
                means[places[a]] += weight * values[a];
                for (int b = a; b < count; b++)
                    matrix[places[a] * columns + places[b]] += weight * values[a] * values[b];
            }
        }
        return sums;
    }

    /// <summary>Copies a row's dense columns, times the root of its weight.</summary>
    /// <returns>The weight.</returns>
    private static double Copy(PackedRows rows, long position, Span<double> lanes)
    {
        ReadOnlySpan<float> row = rows.DenseRows(position, 1);
        double weight = rows.Weight(row);
        CovarianceKernels.Copy(row[..lanes.Length], Math.Sqrt(weight), lanes);
        return weight;
    }

    private static double[] Divided(double[] sums, int stride, int columns)
    {
        var matrix = new double[columns * columns];
        for (int i = 0; i < columns; i++)
        {
            for (int j = i; j < columns; j++)
                matrix[i * columns + j] = matrix[j * columns + i] = sums[i * stride + j] / sums[^1];
        }
        return matrix;
    }
}
