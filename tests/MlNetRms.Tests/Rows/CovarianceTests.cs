using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Rows;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class CovarianceTests
{
    [Theory]
    [InlineData(1, 50, false)]
    [InlineData(3, 127, true)]
    [InlineData(4, 128, false)]
    [InlineData(9, 129, true)]
    [InlineData(17, 1000, true)]
    [InlineData(30, 20, true)]        // fewer rows than columns
    public void OfDense_AnyRows_IsTheCovarianceOfTwoPassesOverTheStandardizedColumns(int columns, int count, bool weighted)
    {
        Examples rows = Correlated(columns, count, weighted);
        using TrainingRows read = Stored.Read(rows, new());

        Covariance covariance = Covariance.OfDense(read.Training, CancellationToken.None);

        double[] weights = [.. Enumerable.Range(0, count).Select(row => (double)rows.Weight(row))];
        double[][] standardized = [.. Enumerable.Range(0, columns).Select(Standardized)];
        double[] actual = covariance.ToArray();
        Assert.Equal((columns, true), (covariance.ColumnCount, covariance.IsOfAllRows));
        Assert.Equal(columns * columns, actual.Length);
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double expected = Enumerable.Range(0, count).Sum(row => weights[row] * standardized[i][row] * standardized[j][row]) / weights.Sum();
                Assert.Equal(expected, actual[i * columns + j], 1e-6);        // stored values are rounded to float
            }
        }

        double[] Standardized(int column)
        {
            double[] values = [.. rows.Features.Select(row => (double)row[column])];
            (double mean, double deviation) = LeastSquares.Moments(values, weights);
            return [.. values.Select(x => (x - mean) / deviation)];
        }
    }

    [Fact]
    public void OfDense_SparseColumnsBeside_IsThatOfTheDenseColumnsAlone()
    {
        Examples rows = Some.MostlyZero(1, 700, 3, 330, 3);
        Examples dense = new([.. rows.Features.Select(row => row[..3])], rows.Labels);
        using TrainingRows read = Stored.Read(rows, new());
        using TrainingRows readDense = Stored.Read(dense, new());

        Assert.Equal(rows.OccurringColumns - 3, read.Layout.SparseCount);
        Assert.Equal(
            Covariance.OfDense(readDense.Training, CancellationToken.None).ToArray(),
            Covariance.OfDense(read.Training, CancellationToken.None).ToArray());
    }

    [Fact]
    public void OfDense_MoreThanFourMillionValues_IsThatOfRowsEvenlySpacedWithAMillionValues()
    {
        const int Columns = 100;
        const int Count = 40_001;
        const int Sampled = 1_000_000 / Columns;
        // In reading order, with columns that grow from row to row: neither the first rows nor the last are like all of them.
        float[] values = Some.Normals(1, Count * Columns);
        var rows = new Examples([.. Enumerable.Range(0, Count).Select(row => Enumerable.Range(0, Columns)
            .Select(column => (1 + (float)row / Count) * (values[row * Columns + column] + values[row * Columns])).ToArray())], values[..Count]);
        using TrainingRows read = Stored.Read(rows, new() { Shuffle = false });

        Covariance covariance = Covariance.OfDense(read.Training, CancellationToken.None);

        double[] expected = new double[Columns * Columns];
        double[] means = new double[Columns];
        for (long i = 0; i < Sampled; i++)
        {
            // Blocks of 128 rows, evenly spaced; the last one is shorter.
            long block = i / 128 * 128;
            long start = block * (Count - Math.Min(128, Sampled - block)) / Sampled;
            (float[] row, _, _) = Stored.Row(read.Training.Shards[0], start + i - block);
            for (int first = 0; first < Columns; first++)
            {
                means[first] += row[first] / (double)Sampled;
                for (int second = 0; second < Columns; second++)
                    expected[first * Columns + second] += (double)row[first] * row[second] / Sampled;
            }
        }
        for (int i = 0; i < expected.Length; i++)
            expected[i] -= means[i / Columns] * means[i % Columns];        // about the means of the sample
        Assert.False(covariance.IsOfAllRows);
        Assert.All(expected.Zip(covariance.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(1, expected[Columns + 1], 0.05);        // a sample of all rows: the variance of each column is near that of all of them
    }

    [Fact]
    public void OfDense_FourMillionValues_IsThatOfAllRows()
    {
        float[] values = Some.Normals(1, 40_000 * 100);
        var rows = new Examples([.. Enumerable.Range(0, 40_000).Select(row => values[(row * 100)..(row * 100 + 100)])], values[..40_000]);
        using TrainingRows read = Stored.Read(rows, new());

        Assert.True(Covariance.OfDense(read.Training, CancellationToken.None).IsOfAllRows);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void OfAll_AnyRows_IsTheCovarianceOfTwoPassesInTheOrderOfThePositions(bool sparse, bool weighted)
    {
        Examples rows = sparse ? Some.MostlyZero(1, 700, 3, 90, 3) : Correlated(9, 129, weighted: false);
        rows = new Examples(rows.Features, rows.Labels, weighted ? [.. Enumerable.Range(0, rows.Count).Select(row => 0.5f + row % 3)] : null);
        using TrainingRows read = Stored.Read(rows, new());

        Covariance covariance = Covariance.OfAll(read.Training, Means(read), seed: 1, CancellationToken.None);

        Assert.Equal((sparse ? 90 : 0, rows.Width, true), (read.Layout.SparseCount, covariance.ColumnCount, covariance.IsOfAllRows));
        double[] expected = OfStored(read);
        Assert.All(expected.Zip(covariance.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }

    /// <summary>Neither a direction with little variance nor a row that decides one is lost.</summary>
    [Fact]
    public void OfAll_TooManyProducts_IsASketchThatIsNearInEveryDirection()
    {
        const int Dense = 250;
        Examples rows = Some.Pairs(1, 64_500, Dense / 2, difference: 0.01);        // 250 values and a sparse one: more than 4 milliard products
        for (int row = 0; row < rows.Count; row++)
        {
            var levels = new float[64];
            levels[row % 64] = 1;
            rows.Features[row] = [.. rows.Features[row][..^1], row == 12_345 ? 1 : 0, .. levels];        // one row decides a column
        }
        using TrainingRows read = Stored.Read(rows, new());

        Covariance sketch = Covariance.OfAll(read.Training, Means(read), seed: 1, CancellationToken.None);

        // The eigenvalues of L⁻¹·S·L⁻ᵀ are those of C^-½·S·C^-½. The levels add up to 1: their last column is left out.
        int columns = sketch.ColumnCount - 1;
        Assert.Equal((false, 65), (sketch.IsOfAllRows, read.Layout.SparseCount));
        Matrix<double> exact = Matrix<double>.Build.Dense(columns + 1, columns + 1, OfStored(read)).SubMatrix(0, columns, 0, columns);
        Matrix<double> near = Matrix<double>.Build.Dense(columns + 1, columns + 1, sketch.ToArray()).SubMatrix(0, columns, 0, columns);
        Matrix<double> inverse = exact.Cholesky().Factor.Inverse();
        double[] ratios = [.. (inverse * near).TransposeAndMultiply(inverse).Evd(Symmetricity.Symmetric).EigenValues.Select(value => value.Real)];
        Assert.All(ratios, ratio => Assert.InRange(ratio, 0.1, 4));
        Assert.Equal(sketch.ToArray(), Covariance.OfAll(read.Training, Means(read), seed: 1, CancellationToken.None).ToArray());
        Assert.NotEqual(sketch.ToArray(), Covariance.OfAll(read.Training, Means(read), seed: 2, CancellationToken.None).ToArray());
    }

    [Fact]
    public void OfAll_Cancelled_Throws()
    {
        using TrainingRows read = Stored.Read(Some.MostlyZero(1, 700, 3, 90, 3), new());

        Assert.Throws<OperationCanceledException>(() => Covariance.OfAll(read.Training, Means(read), seed: 1, new CancellationToken(canceled: true)));
    }

    /// <summary>Means of all columns, in the order of their positions.</summary>
    private static double[] Means(TrainingRows rows) => [.. Positions(rows).Select(column => rows.Scaling.ScaledMean(column))];

    private static int[] Positions(TrainingRows rows) => [.. Enumerable.Range(0, rows.Layout.ColumnCount).OrderBy(rows.Layout.Position)];

    /// <summary>The covariance of the stored rows, in two passes.</summary>
    private static double[] OfStored(TrainingRows rows)
    {
        int[] order = Positions(rows);
        int columns = order.Length;
        var means = new double[columns];
        var covariance = new double[columns * columns];
        double total = 0;
        for (int pass = 0; pass < 2; pass++)
        {
            for (long number = 0; number < rows.Training.RowCount; number++)
            {
                (float[] features, _, float weight) = Stored.Row(rows.Training.Shards[0], number);
                double[] values = [.. order.Select((column, i) => features[column] - (pass == 1 ? means[i] : 0))];
                total += pass == 0 ? weight : 0;
                for (int i = 0; i < columns; i++)
                {
                    if (pass == 0)
                        means[i] += weight * values[i];
                    else
                        TensorPrimitives.MultiplyAdd(values, weight / total * values[i], covariance.AsSpan(i * columns, columns),
                            covariance.AsSpan(i * columns, columns));
                }
            }
            for (int i = 0; pass == 0 && i < columns; i++)
                means[i] /= total;
        }
        return covariance;
    }

    [Fact]
    public void OfDense_Cancelled_Throws()
    {
        using TrainingRows read = Stored.Read(Correlated(3, 300, weighted: false), new());

        Assert.Throws<OperationCanceledException>(() => Covariance.OfDense(read.Training, new CancellationToken(canceled: true)));
    }

    private static Examples Correlated(int columns, int count, bool weighted)
    {
        Examples rows = Some.Linear(columns, count, columns, weighted: weighted);
        foreach (float[] row in rows.Features)
        {
            for (int i = 1; i < columns; i++)
                row[i] = 10 * i + i * (row[i] + row[i - 1]);
        }
        return rows;
    }
}
