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
    public void Compute_AnyRows_IsTheCovarianceOfTwoPassesOverTheStandardizedColumns(int columns, int count, bool weighted)
    {
        Examples rows = Correlated(columns, count, weighted);
        using TrainingRows read = Stored.Read(rows, new());

        Covariance covariance = Covariance.Compute(read.Training, CancellationToken.None);

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
    public void Compute_SparseColumnsBeside_IsThatOfTheDenseColumnsAlone()
    {
        Examples rows = Some.MostlyZero(1, 700, 3, 330, 3);
        Examples dense = new([.. rows.Features.Select(row => row[..3])], rows.Labels);
        using TrainingRows read = Stored.Read(rows, new());
        using TrainingRows readDense = Stored.Read(dense, new());

        Assert.Equal(rows.OccurringColumns - 3, read.Layout.SparseCount);
        Assert.Equal(
            Covariance.Compute(readDense.Training, CancellationToken.None).ToArray(),
            Covariance.Compute(read.Training, CancellationToken.None).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compute_ColumnsThatAreMostlyZero_IsThatOfAllRowsByTheStandardizedColumns(bool weighted)
    {
        Examples rows = Some.MostlyZero(1, 400, 3, 90, 3);
        rows = new Examples(rows.Features, rows.Labels, weighted ? [.. Enumerable.Range(0, 400).Select(row => 0.5f + row % 3)] : null);
        double[] weights = [.. Enumerable.Range(0, rows.Count).Select(row => (double)rows.Weight(row))];
        using TrainingRows read = Stored.Read(rows, new());

        Covariance covariance = Covariance.Compute(read.Training, CancellationToken.None);

        double[][] standardized = [.. Enumerable.Range(0, rows.Width).Select(column =>
        {
            double[] values = [.. rows.Features.Select(row => (double)row[column])];
            (double mean, double deviation) = LeastSquares.Moments(values, weights);
            return values.Select(x => (x - mean) / deviation).ToArray();
        })];
        double[] actual = covariance.ToArray();
        Assert.Equal((0, rows.Width, true), (read.Layout.SparseCount, covariance.ColumnCount, covariance.IsOfAllRows));
        for (int i = 0; i < rows.Width; i++)
        {
            for (int j = 0; j < rows.Width; j++)
            {
                double sum = Enumerable.Range(0, rows.Count).Sum(row => weights[row] * standardized[i][row] * standardized[j][row]);
                double expected = sum / weights.Sum();
                Assert.Equal(expected, actual[i * rows.Width + j], 2e-6);        // stored values are rounded to float
            }
        }
    }

    [Fact]
    public void Compute_MoreThanFourMillionValues_IsThatOfRowsEvenlySpacedWithAMillionValues()
    {
        const int Columns = 100;
        const int Count = 40_001;
        const int Sampled = 1_000_000 / Columns;
        // In reading order, with columns that grow from row to row: neither the first rows nor the last are like all of them.
        float[] values = Some.Normals(1, Count * Columns);
        var rows = new Examples([.. Enumerable.Range(0, Count).Select(row => Enumerable.Range(0, Columns)
            .Select(column => (1 + (float)row / Count) * (values[row * Columns + column] + values[row * Columns])).ToArray())], values[..Count]);
        using TrainingRows read = Stored.Read(rows, new() { Shuffle = false });

        Covariance covariance = Covariance.Compute(read.Training, CancellationToken.None);

        double[] expected = new double[Columns * Columns];
        for (long i = 0; i < Sampled; i++)
        {
            // Blocks of 128 rows, evenly spaced; the last one is shorter.
            long block = i / 128 * 128;
            long start = block * (Count - Math.Min(128, Sampled - block)) / Sampled;
            (float[] row, _, _) = Stored.Row(read.Training.Shards[0], start + i - block);
            for (int first = 0; first < Columns; first++)
            {
                for (int second = 0; second < Columns; second++)
                    expected[first * Columns + second] += (double)row[first] * row[second] / Sampled;
            }
        }
        Assert.False(covariance.IsOfAllRows);
        Assert.All(expected.Zip(covariance.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(1, expected[Columns + 1], 0.05);        // a sample of all rows: the variance of each column is near that of all of them
    }

    [Fact]
    public void Compute_FourMillionValues_IsThatOfAllRows()
    {
        float[] values = Some.Normals(1, 40_000 * 100);
        var rows = new Examples([.. Enumerable.Range(0, 40_000).Select(row => values[(row * 100)..(row * 100 + 100)])], values[..40_000]);
        using TrainingRows read = Stored.Read(rows, new());

        Assert.True(Covariance.Compute(read.Training, CancellationToken.None).IsOfAllRows);
        Assert.False(Covariance.Compute(read.Training, CancellationToken.None, isSampleEnough: true).IsOfAllRows);
    }

    [Fact]
    public void Compute_Cancelled_Throws()
    {
        using TrainingRows read = Stored.Read(Correlated(3, 300, weighted: false), new());

        Assert.Throws<OperationCanceledException>(() => Covariance.Compute(read.Training, new CancellationToken(canceled: true)));
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
