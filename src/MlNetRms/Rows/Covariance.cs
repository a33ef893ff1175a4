using System.Numerics;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>The covariance matrix of the dense columns of packed rows, whose means are 0.</summary>
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

    /// <summary>Whether it was computed from every row, not from a sample.</summary>
    public bool IsOfAllRows { get; }

    /// <summary>A copy of the elements, column by column.</summary>
    public double[] ToArray() => [.. _matrix];

    /// <param name="rows">The rows.</param>
    /// <param name="cancellation">Cancels the pass over the rows.</param>
    /// <param name="isSampleEnough">Whether a sample will do, to save time, even if all rows could be used.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Covariance Compute(RowSet rows, CancellationToken cancellation, bool isSampleEnough = false) =>
        rows.Shards[0].CentersSparse ? ComputeFromNonZeros(rows, cancellation) : ComputeFromDense(rows, isSampleEnough, cancellation);

    private static Covariance ComputeFromDense(RowSet rows, bool isSampleEnough, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        long count = Decisions.CovarianceRows(rows.RowCount, columns, isSampleEnough);
        int step = Math.Max(CovarianceKernels.ColumnsAtOnce, Vector<double>.Count);
        int stride = Divide.RoundUpToMultiple(columns, step);
        double[] sums = rows.Sum(shard => Products(shard, rows.ShareOf(shard, count), stride, cancellation));
        return new Covariance(columns, Divided(sums, stride, columns), isOfAllRows: count == rows.RowCount);
    }

    /// <returns>The sums of the products of a shard's columns, then the sum of its weights.</returns>
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
    /// Uses all rows, because a sample would miss rare values, but only their non-zero values. A row is z + s, where z are the stored values
    /// of zeros and s is mostly 0; the mean of (z + s)·(z + s)ᵀ is z·zᵀ + z·s̄ᵀ + s̄·zᵀ + the mean of s·sᵀ.
    /// </summary>
    private static Covariance ComputeFromNonZeros(RowSet rows, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        float[] zeros = rows.Shards[0].StoredZeros();
        double[] sums = rows.Sum(shard => NonZeroProducts(shard, zeros, cancellation));
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

    /// <returns>The sums of the products of a shard's s, then the sums of s, then the sum of the weights.</returns>
    private static double[] NonZeroProducts(PackedRows rows, float[] zeros, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        var sums = new double[columns * columns + columns + 1];
        Span<double> matrix = sums.AsSpan(0, columns * columns);
        Span<double> means = sums.AsSpan(columns * columns, columns);
        var lanes = new int[columns];
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
                    (lanes[count], values[count++]) = (lane, (double)row[lane] - zeros[lane]);
            }
            for (int a = 0; a < count; a++)
            {
                means[lanes[a]] += weight * values[a];
                for (int b = a; b < count; b++)
                    matrix[lanes[a] * columns + lanes[b]] += weight * values[a] * values[b];
            }
        }
        return sums;
    }

    /// <summary>Copies a row's dense columns, multiplied by the square root of its weight.</summary>
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
