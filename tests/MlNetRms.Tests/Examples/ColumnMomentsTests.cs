using MlNetRms.Examples;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Examples;

/// <summary>One pass over rows of any encoding, against two passes in double.</summary>
public sealed class ColumnMomentsTests
{
    /// <summary>Roundings of a thousand additions in double, and what a mean of 1e6 deviations squared makes of them.</summary>
    private const double Tolerance = 1e-9;

    public enum Encoding
    {
        Dense,
        Sparse,
        Mixed,
        FirstDenseThenSparse,
    }

    [Theory]
    [InlineData(Encoding.Dense, 1)]
    [InlineData(Encoding.Dense, 7)]
    [InlineData(Encoding.Dense, 1000)]
    [InlineData(Encoding.Sparse, 1)]
    [InlineData(Encoding.Mixed, 1)]
    [InlineData(Encoding.Mixed, 2)]
    [InlineData(Encoding.FirstDenseThenSparse, 100)]
    public void Summarize_AnyEncodingAndBlockOfRows_EqualsTwoPassesInDouble(Encoding encoding, int blockRows)
    {
        Rows rows = RowsWithZeros();
        ColumnMoments moments = New(rows.Width);
        var block = new List<float>();
        for (int row = 0; row < rows.Count; row++)
        {
            bool sparse = encoding switch
            {
                Encoding.Dense => false,
                Encoding.Sparse => true,
                Encoding.Mixed => row % 3 == 0,
                _ => row > rows.Count / 2,
            };
            if (sparse)
            {
                var values = Rows.Sparse(rows.Features[row]);
                moments.AddSparse(values.GetIndices(), values.GetValues(), rows.Weight(row));
            }
            else
            {
                block.AddRange(DenseRow(rows.Features[row], rows.Weight(row)));
                if (block.Count >= blockRows * RowLength(rows.Width))
                    Flush();
            }
        }
        Flush();

        double[] weights = rows.Weights!.Select(weight => (double)weight).ToArray();
        Assert.Equal(weights.Sum(), moments.TotalWeight, Tolerance * weights.Sum());
        for (int i = 0; i < rows.Width; i++)
        {
            double[] column = rows.Features.Select(row => (double)row[i]).ToArray();
            (double mean, double deviation) = LeastSquares.Moments(column, weights);
            ColumnSummary summary = moments.Summarize(i);
            Assert.Equal(mean, summary.Mean, Tolerance * (Math.Abs(mean) + deviation));
            Assert.Equal(deviation, Math.Sqrt(summary.Variance), Tolerance * (Math.Abs(mean) + deviation));
            Assert.Equal(column.Zip(weights, (x, weight) => x != 0 ? weight : 0).Sum(), summary.NonZeroWeight, Tolerance * weights.Sum());
        }

        void Flush()
        {
            moments.AddDense(block.ToArray());
            block.Clear();
        }
    }

    [Fact]
    public void Summarize_ZerosWrittenOutInSparseRows_CountAsZeros()
    {
        ColumnMoments moments = New(2);
        moments.AddSparse([0, 1], [0f, 3f], 1);
        moments.AddSparse([0], [0f], 1);

        Assert.Equal(new ColumnSummary(0, 0, 0), moments.Summarize(0));
        Assert.Equal(new ColumnSummary(1.5, 2.25, 1), moments.Summarize(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Summarize_ConstantColumn_HasAVarianceOfExactlyZero(bool sparse)
    {
        ColumnMoments moments = New(1);
        for (int row = 0; row < 1000; row++)
        {
            if (sparse)
                moments.AddSparse([0], [0.1f], 0.3f + row % 7);
            else
                moments.AddDense(DenseRow([0.1f], 0.3f + row % 7));
        }

        Assert.Equal(0, moments.Summarize(0).Variance);
        Assert.Equal(0.1f, moments.Summarize(0).Mean, 1e-15);
    }

    [Fact]
    public void Summarize_NoRows_IsAllZero() =>
        Assert.Equal(default, New(1).Summarize(0));

    private static int RowLength(int columns) => ExampleStore.WholeVectors(columns + 1);

    private static ColumnMoments New(int columns) => new(RowLength(columns), columns);

    private static float[] DenseRow(float[] values, float weight)
    {
        var row = new float[RowLength(values.Length)];
        values.CopyTo(row, 0);
        row[values.Length] = weight;
        return row;
    }

    /// <summary>Enough columns for whole vectors and a rest; large offsets, tiny and huge scales, an empty column.</summary>
    private static Rows RowsWithZeros()
    {
        double[] scales = [1, 1e-6, 1e6, 1, 1e-3, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        double[] means = [0, 0, 0, 1e4, 1e3, -5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100];
        Rows rows = Some.Linear(1, 1000, scales, means, weighted: true);
        var random = new Random(2);
        foreach (float[] row in rows.Features)
        {
            for (int i = 4; i < 18; i++)
                row[i] = random.NextDouble() < i / 18.0 ? 0 : row[i];
        }
        return rows;
    }
}
