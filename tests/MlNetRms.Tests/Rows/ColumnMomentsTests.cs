using MlNetRms.Rows;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using Row = MlNetRms.Rows.Row;

namespace MlNetRms.Tests.Rows;

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

    /// <summary>Both encodings, with and without weights, and the number of rows in the first shard.</summary>
    public static TheoryData<Encoding, Encoding, bool, int> Shards
    {
        get
        {
            var shards = new TheoryData<Encoding, Encoding, bool, int>();
            foreach (Encoding first in Enum.GetValues<Encoding>())
            {
                foreach (Encoding second in Enum.GetValues<Encoding>())
                {
                    foreach (int rowsInFirst in new[] { 0, 1, 500, 999, 1000 })
                    {
                        shards.Add(first, second, false, rowsInFirst);
                        shards.Add(first, second, true, rowsInFirst);
                    }
                }
            }
            return shards;
        }
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
        Examples rows = RowsWithZeros();
        ColumnMoments moments = New(rows.Width);

        Add(moments, rows, 0..rows.Count, encoding, blockRows);

        AssertEqualsTwoPasses(rows, moments);
    }

    [Fact]
    public void Summarize_ZerosWrittenOutInSparseRows_CountAsZeros()
    {
        ColumnMoments moments = New(3);
        moments.AddSparse(new Row([0, 1], [0f, 3f], label: 0, weight: 1));
        moments.AddSparse(new Row([0], [0f], label: 0, weight: 1));

        Assert.Equal(new ColumnSummary(0, 0, 0), moments.Summarize(0));
        Assert.Equal(new ColumnSummary(1.5, 2.25, 1), moments.Summarize(1));
        Assert.Equal(new ColumnSummary(0, 0, 0), moments.Summarize(2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Summarize_ConstantColumn_HasAVarianceOfExactlyZero(bool sparse)
    {
        ColumnMoments moments = New(2);
        for (int row = 0; row < 1000; row++)
        {
            if (sparse)
                moments.AddSparse(new Row([0], [0.1f], label: 0.1f, weight: 0.3f + row % 7));
            else
                moments.AddDense(DenseRow([0.1f, 0.1f], 0.3f + row % 7));
        }

        foreach (int column in new[] { 0, 1 })
        {
            Assert.Equal(0, moments.Summarize(column).Variance);
            Assert.Equal(0.1f, moments.Summarize(column).Mean, 1e-15);
        }
    }

    [Fact]
    public void Summarize_NoRows_IsAllZero() =>
        Assert.Equal(default, New(1).Summarize(0));

    [Theory, MemberData(nameof(Shards))]
    public void Merge_TwoShardsOfTheRows_GivesTheMomentsOfAll(Encoding first, Encoding second, bool weighted, int rowsInFirst)
    {
        Examples rows = RowsWithZeros();
        if (!weighted)
            rows = new Examples(rows.Features, rows.Labels);
        (ColumnMoments moments, ColumnMoments other) = (New(rows.Width), New(rows.Width));
        Add(moments, rows, 0..rowsInFirst, first, blockRows: 7);
        Add(other, rows, rowsInFirst..rows.Count, second, blockRows: 7);

        moments.Merge(other);

        AssertEqualsTwoPasses(rows, moments);
    }

    [Theory]
    [InlineData(Encoding.Dense)]
    [InlineData(Encoding.Sparse)]
    [InlineData(Encoding.Mixed)]
    public void Merge_EmptyShard_ChangesNoBit(Encoding encoding)
    {
        Examples rows = RowsWithZeros();
        (ColumnMoments expected, ColumnMoments after, ColumnMoments before) = (New(rows.Width), New(rows.Width), New(rows.Width));
        foreach (ColumnMoments moments in new[] { expected, after })
            Add(moments, rows, 0..rows.Count, encoding, blockRows: 7);

        after.Merge(New(rows.Width));
        before.Merge(expected);

        foreach (ColumnMoments merged in new[] { after, before })
        {
            Assert.Equal(expected.TotalWeight, merged.TotalWeight);
            Assert.Equal(Enumerable.Range(0, rows.Width).Select(expected.Summarize), Enumerable.Range(0, rows.Width).Select(merged.Summarize));
        }
    }

    [Fact]
    public void Merge_OfNothing_IsAllZero()
    {
        ColumnMoments moments = New(2);

        moments.Merge(New(2));

        Assert.Equal((0, default, default), (moments.TotalWeight, moments.Summarize(0), moments.Summarize(1)));
    }

    [Fact]
    public void Merge_SeveralShardsThenMoreRows_GivesTheMomentsOfAll()
    {
        Examples rows = RowsWithZeros();
        ColumnMoments moments = New(rows.Width);
        Range[] shards = [0..1, 1..300, 300..310, 310..700];
        foreach (Range shard in shards)
        {
            ColumnMoments other = New(rows.Width);
            Add(other, rows, shard, Encoding.Mixed, blockRows: 7);
            moments.Merge(other);
        }

        Add(moments, rows, 700..rows.Count, Encoding.Mixed, blockRows: 7);

        AssertEqualsTwoPasses(rows, moments);
    }

    [Fact]
    public void Merge_OtherShard_StaysAsItIs()
    {
        Examples rows = RowsWithZeros();
        (ColumnMoments moments, ColumnMoments other) = (New(rows.Width), New(rows.Width));
        Add(other, rows, 0..500, Encoding.Sparse, blockRows: 1);
        ColumnSummary[] before = [.. Enumerable.Range(0, rows.Width).Select(other.Summarize)];

        moments.Merge(other);
        Add(moments, rows, 500..rows.Count, Encoding.Sparse, blockRows: 1);

        Assert.Equal(before, Enumerable.Range(0, rows.Width).Select(other.Summarize));
    }

    private static int RowLength(int columns) => RowLayout.WholeVectors(columns + 1);

    private static ColumnMoments New(int columns) => new(RowLength(columns), columns);

    /// <summary>Adds some of the rows; their last column is the label.</summary>
    private static void Add(ColumnMoments moments, Examples rows, Range range, Encoding encoding, int blockRows)
    {
        (int first, int count) = range.GetOffsetAndLength(rows.Count);
        var block = new List<float>();
        for (int row = first; row < first + count; row++)
        {
            bool sparse = encoding switch
            {
                Encoding.Dense => false,
                Encoding.Sparse => true,
                Encoding.Mixed => row % 3 == 0,
                _ => row > first + count / 2,
            };
            if (sparse)
            {
                var values = Examples.Sparse(rows.Features[row][..^1]);
                moments.AddSparse(new Row(values.GetIndices(), values.GetValues(), rows.Features[row][^1], rows.Weight(row)));
            }
            else
            {
                block.AddRange(DenseRow(rows.Features[row], rows.Weight(row)));
                if (block.Count >= blockRows * RowLength(rows.Width))
                    Flush();
            }
        }
        Flush();

        void Flush()
        {
            moments.AddDense(block.ToArray());
            block.Clear();
        }
    }

    private static void AssertEqualsTwoPasses(Examples rows, ColumnMoments moments)
    {
        double[] weights = Enumerable.Range(0, rows.Count).Select(row => (double)rows.Weight(row)).ToArray();
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
    }

    private static float[] DenseRow(float[] values, float weight)
    {
        var row = new float[RowLength(values.Length)];
        values.CopyTo(row, 0);
        row[values.Length] = weight;
        return row;
    }

    /// <summary>Enough columns for whole vectors and a remainder; large offsets, tiny and huge scales, an empty column.</summary>
    private static Examples RowsWithZeros()
    {
        double[] scales = [1, 1e-6, 1e6, 1, 1e-3, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        double[] means = [0, 0, 0, 1e4, 1e3, -5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100];
        Examples rows = Some.Linear(1, 1000, scales, means, weighted: true);
        var random = new Random(2);
        foreach (float[] row in rows.Features)
        {
            for (int i = 4; i < 18; i++)
                row[i] = random.NextDouble() < i / 18.0 ? 0 : row[i];
        }
        return rows;
    }
}
