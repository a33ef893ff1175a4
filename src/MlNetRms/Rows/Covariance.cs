using System.Numerics;
using System.Numerics.Tensors;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>
/// The covariance of the columns of packed rows: of the dense ones, or of all, in the order of their positions. It is of all rows or, where that
/// takes too long, of a sample or a sketch.
/// </summary>
/// <remarks>
/// A sketch has a few rows per column, each the sum of many rows with random signs. Unlike a sample it misses no row: what a single row decides is in
/// it, and variances in all directions are about right, whatever the rows (Nelson and Nguyên 2013; for this use, Avron, Maymounkov and Toledo 2010).
/// </remarks>
internal sealed class Covariance
{
    private const int BlockRows = 128;

    /// <summary>Rounding of the sums in double, and of eigenvalues computed from them, relative to the sum of all variances.</summary>
    private const double MatrixError = 1.0 / (1L << 50);

    /// <summary>Sums of this many rows are added to those of the rows before: a sum of millions would lose the digits that tell directions.</summary>
    private const int RowsOfPart = 64 * BlockRows;

    /// <summary>Each row is added to this many rows of the sketch.</summary>
    private const int Copies = 2;

    private readonly double[] _matrix;
    private readonly double[] _rounding;

    private Covariance(RowSet rows, double[] matrix, int columnCount, bool isOfAllRows)
    {
        _matrix = matrix;
        _rounding = rows.Shards[0].RoundingVariances();
        ColumnCount = columnCount;
        IsOfAllRows = isOfAllRows;
    }

    public int ColumnCount { get; }

    /// <summary>Whether it is of every row, not of a sample or a sketch.</summary>
    public bool IsOfAllRows { get; }

    /// <summary>The elements, row by row; symmetric.</summary>
    public ReadOnlySpan<double> Elements => _matrix;

    /// <summary>A copy of the elements.</summary>
    public double[] ToArray() => [.. _matrix];

    /// <summary>
    /// The variance along a direction below which the columns' floats do not tell it from rounding: neither those of the rows nor the products
    /// that a prediction in float adds up.
    /// </summary>
    /// <param name="direction">Of length 1, by column.</param>
    public double RoundingAlong(ReadOnlySpan<double> direction)
    {
        double sum = 0;
        for (int column = 0; column < direction.Length; column++)
            sum += direction[column] * direction[column] * _rounding[column] + MatrixError * _matrix[column * (ColumnCount + 1)];
        return sum;
    }

    /// <summary>Computes the covariance of dense columns.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellation">Ends the pass over the rows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Covariance OfDense(RowSet rows, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount;
        long count = Decisions.CovarianceRows(rows.RowCount, columns);
        double[] sums = rows.Sum(shard => Products(shard, columns, rows.ShareOf(shard, count), cancellation));
        return new Covariance(rows, AboutTheMeans(sums, columns), columns, isOfAllRows: count == rows.RowCount);
    }

    /// <summary>Computes the covariance of all columns.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="means">Their means.</param>
    /// <param name="seed">Of the signs of a sketch.</param>
    /// <param name="cancellation">Ends the pass over the rows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Covariance OfAll(RowSet rows, double[] means, int seed, CancellationToken cancellation)
    {
        int columns = rows.Layout.DenseCount + rows.Layout.SparseCount;
        double nonZerosPerRow = rows.Layout.SparseCount == 0 ? 0 : rows.Sum(shard => [shard.NonZeroCount])[0] / rows.RowCount;
        if (Decisions.MultipliesAllRows(rows.RowCount, rows.Layout.DenseCount, nonZerosPerRow))
        {
            double[] sums = rows.Sum(shard => Products(shard, columns, shard.RowCount, cancellation));
            return new Covariance(rows, AboutTheMeans(sums, columns), columns, isOfAllRows: true);
        }
        int sketchRows = Decisions.SketchRows(columns);
        double[] sketch = rows.Sum(
            [.. rows.Shards.Select((shard, number) => Sketch(shard, rows.FirstShard + number, columns, sketchRows, seed, cancellation))]);
        return new Covariance(rows, OfSketch(sketch, means), columns, isOfAllRows: false);
    }

    /// <returns>
    /// The products of each column with those up to it, then the sums of the columns, then the sum of the weights. Sparse columns count if the
    /// columns are more than the dense ones.
    /// </returns>
    private static double[] Products(PackedRows rows, int columns, long rowCount, CancellationToken cancellation)
    {
        int dense = rows.Layout.DenseCount;
        int stride = Divide.RoundUpToMultiple(dense, Math.Max(CovarianceKernels.ColumnsAtOnce, Vector<double>.Count));
        var ofDense = new double[stride * stride];
        double[] partOfDense = rowCount <= RowsOfPart ? ofDense : new double[ofDense.Length];
        var block = new double[BlockRows * stride];
        var sums = new double[columns * columns + columns + 1];
        double[] part = rowCount <= RowsOfPart ? sums : new double[sums.Length];
        Span<double> totals = part.AsSpan(columns * columns);
        long done = 0;
        foreach ((long first, int count) in rows.EvenBlocks(rowCount, BlockRows))
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < count; i++)
            {
                var row = new RowValues(rows, first + i, block.AsSpan(i * stride, dense), hasSparse: columns > dense);
                row.AddTo(totals, row.Weight);
                totals[^1] += row.Weight;
                for (int k = 0; k < row.Positions.Length; k++)
                    row.AddTo(part.AsSpan((dense + row.Positions[k]) * columns, columns), row.Weight * row.Values[k], upTo: k);
                if (row.Weight != 1)
                    TensorPrimitives.Multiply(row.Dense, Math.Sqrt(row.Weight), row.Dense);
            }
            if (dense > 0)
                CovarianceKernels.AddProducts(block.AsSpan(0, count * stride), stride, partOfDense);
            done += count;
            if (part != sums && (done % RowsOfPart == 0 || done == rowCount))
            {
                Move(part, sums);
                Move(partOfDense, ofDense);
            }
        }
        for (int i = 0; i < dense; i++)
        {
            for (int j = 0; j <= i; j++)
                sums[i * columns + j] = ofDense[j * stride + i];
        }
        return sums;
    }

    private static void Move(double[] part, double[] sums)
    {
        TensorPrimitives.Add(sums, part, sums);
        Array.Clear(part);
    }

    private static double[] AboutTheMeans(double[] sums, int columns)
    {
        double weight = sums[^1];
        ReadOnlySpan<double> totals = sums.AsSpan(columns * columns, columns);
        var covariance = new double[columns * columns];
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double ofMeans = totals[i] / weight * (totals[j] / weight);
                covariance[i * columns + j] = covariance[j * columns + i] = sums[i * columns + j] / weight - ofMeans;
            }
        }
        return covariance;
    }

    /// <returns>The rows of the sketch, each with the sum of its factors behind it, then the sum of the weights.</returns>
    private static double[] Sketch(PackedRows rows, int shard, int columns, int sketchRows, int seed, CancellationToken cancellation)
    {
        int stride = columns + 1;
        var sums = new double[sketchRows * stride + 1];
        var random = new SeededRandom(seed, RandomStream.Sketch, shard);
        var lanes = new double[rows.Layout.DenseCount];
        for (long i = 0; i < rows.RowCount; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var row = new RowValues(rows, i, lanes, hasSparse: true);
            sums[^1] += row.Weight;
            for (int copy = 0; copy < Copies; copy++)
            {
                ulong bits = random.Bits(Copies * i + copy);
                Span<double> sketchRow = sums.AsSpan((int)Math.BigMul(bits, (ulong)sketchRows, out _) * stride, stride);
                double factor = ((bits & 1) == 0 ? 1 : -1) * Math.Sqrt(row.Weight / Copies);
                row.AddTo(sketchRow, factor);
                sketchRow[^1] += factor;
            }
        }
        return sums;
    }

    private static double[] OfSketch(double[] sketch, double[] means)
    {
        int columns = means.Length;
        int sketchRows = sketch.Length / (columns + 1);
        int stride = Divide.RoundUpToMultiple(columns, Math.Max(CovarianceKernels.ColumnsAtOnce, Vector<double>.Count));
        var block = new double[BlockRows * stride];
        var products = new double[stride * stride];
        for (int first = 0; first < sketchRows; first += BlockRows)
        {
            int count = Math.Min(BlockRows, sketchRows - first);
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<double> sketchRow = sketch.AsSpan((first + i) * (columns + 1), columns + 1);
                TensorPrimitives.MultiplyAdd(means, -sketchRow[^1], sketchRow[..^1], block.AsSpan(i * stride, columns));
            }
            CovarianceKernels.AddProducts(block.AsSpan(0, count * stride), stride, products);
        }
        var covariance = new double[columns * columns];
        for (int i = 0; i < columns; i++)
        {
            for (int j = i; j < columns; j++)
                covariance[i * columns + j] = covariance[j * columns + i] = products[i * stride + j] / sketch[^1];
        }
        return covariance;
    }

    /// <summary>One row, its dense part in double.</summary>
    private readonly ref struct RowValues
    {
        public RowValues(PackedRows rows, long row, Span<double> dense, bool hasSparse)
        {
            ReadOnlySpan<float> lanes = rows.DenseRows(row, 1);
            Weight = rows.Weight(lanes);
            CovarianceKernels.Copy(lanes[..dense.Length], 1, dense);
            Dense = dense;
            if (!hasSparse || rows.Layout.SparseCount == 0)
                return;
            rows.SparseRow(row, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            Positions = positions;
            Values = values;
        }

        public double Weight { get; }

        public Span<double> Dense { get; }

        public ReadOnlySpan<int> Positions { get; }

        public ReadOnlySpan<float> Values { get; }

        /// <summary>Adds a multiple of the row to an array by column.</summary>
        public void AddTo(Span<double> sums, double factor) => AddTo(sums, factor, Positions.Length - 1);

        /// <summary>The same for the dense columns and the sparse ones up to a number.</summary>
        public void AddTo(Span<double> sums, double factor, int upTo)
        {
            Span<double> dense = sums[..Dense.Length];
            TensorPrimitives.MultiplyAdd(Dense, factor, dense, dense);
            Span<double> sparse = sums[Dense.Length..];
            for (int k = 0; k <= upTo; k++)
                sparse[Positions[k]] += factor * Values[k];
        }
    }
}
