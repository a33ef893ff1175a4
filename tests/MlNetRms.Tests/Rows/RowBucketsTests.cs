using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using Row = MlNetRms.Rows.Row;

namespace MlNetRms.Tests.Rows;

public sealed class RowBucketsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Drain_DenseAndSparseRowsOverManyChunks_GivesEachRowBackOnceAsItCame(bool shuffle)
    {
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, 64));        // a few rows each; some rows are longer than a chunk
        Examples rows = Some.MostlyZero(1, 1000, denseColumns: 5, sparseColumns: 60, nonZeros: 4);
        var buckets = new RowBuckets(chunks, rows.Width, shuffle, seed: 3);
        for (int row = 0; row < rows.Count; row++)
        {
            var sparse = Examples.Sparse(rows.Features[row]);
            if (row % 2 == 0)
                buckets.Add(new Row(sparse.GetIndices(), sparse.GetValues(), row, row + 0.5f));
            else if (row % 4 == 1)
                buckets.AddDense([.. rows.Features[row], row, row + 0.5f]);
            else
                buckets.Add(new Row([], rows.Features[row], row, row + 0.5f));
        }

        List<int> order = Drain(buckets, (row, features, isDense) =>
        {
            Assert.Equal(row % 2 != 0, isDense);
            Assert.Equal(rows.Features[row], features);
        });

        Assert.Equal(rows.Count, buckets.RowCount);
        Assert.Equal(Enumerable.Range(0, rows.Count).Sum(row => row + 0.5), buckets.Weights.Sum);
        Assert.Equal(Enumerable.Range(0, rows.Count), order.Order());
        Assert.Equal(!shuffle, order.SequenceEqual(Enumerable.Range(0, rows.Count)));
    }

    [Fact]
    public void Drain_OneSeed_IsOneOrder()
    {
        Assert.Equal(Order(500, seed: 3), Order(500, seed: 3));
        Assert.NotEqual(Order(500, seed: 3), Order(500, seed: 4));
    }

    [Fact]
    public void Drain_ManySeeds_PutsEveryRowEverywhereAboutEquallyOften()
    {
        const int Rows = 12;
        const int Seeds = 6000;
        var counts = new int[Rows, Rows];
        for (int seed = 0; seed < Seeds; seed++)
        {
            List<int> order = Order(Rows, seed);
            for (int position = 0; position < Rows; position++)
                counts[order[position], position]++;
        }

        // χ² of a 12×12 table has 121 degrees of freedom; 200 is beyond five standard deviations (√242 = 15.6).
        double expected = (double)Seeds / Rows;
        double chiSquare = counts.Cast<int>().Sum(count => (count - expected) * (count - expected) / expected);
        Assert.InRange(chiSquare, 121 - 5 * 15.6, 200);
    }

    [Fact]
    public void Drain_ManySeeds_SeparatesNeighbours()
    {
        // In a uniform shuffle of n rows, n−1 of the n(n−1) ordered pairs follow each other: row 6 follows row 5 in 1 of n.
        const int Rows = 10;
        const int Seeds = 5000;

        int neighbours = Enumerable.Range(0, Seeds).Count(seed =>
        {
            List<int> order = Order(Rows, seed);
            return order.IndexOf(6) == order.IndexOf(5) + 1;
        });

        Assert.InRange(neighbours, 500 - 5 * 21, 500 + 5 * 21);        // binomial, standard deviation 21
    }

    [Fact]
    public void Drain_ManyRowsABucket_ShufflesWithinTheBucketToo()
    {
        List<int> order = Order(6400, seed: 3);

        // Of n rows in random order, (n−1)/2 are followed by a later one, with a standard deviation of √((n+1)/12) = 23.
        int ascents = order.Zip(order.Skip(1), (one, next) => one < next ? 1 : 0).Sum();
        Assert.InRange(ascents, 3200 - 5 * 23, 3200 + 5 * 23);
    }

    private static List<int> Order(int rows, int seed)
    {
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, 256));
        var buckets = new RowBuckets(chunks, 1, shuffle: true, seed);
        for (int row = 0; row < rows; row++)
            buckets.Add(new Row([], [row], row, 1));
        return Drain(buckets, (_, _, _) => { });
    }

    private static List<int> Drain(RowBuckets buckets, Action<int, float[], bool> check)
    {
        var order = new List<int>();
        RecordPosition[] scratch = [];
        for (int bucket = 0; bucket < buckets.Count; bucket++)
            buckets.Drain(bucket, Visit, ref scratch, CancellationToken.None);
        return order;

        void Visit(in Row row)
        {
            int number = (int)row.Label;
            order.Add(number);
            Assert.True(row.Weight == 1 || row.Weight == number + 0.5f);
            float[] features = row.IsDense ? row.Values.ToArray() : new float[65];
            for (int k = 0; k < row.Indices.Length; k++)
                features[row.Column(k)] = row.Values[k];
            check(number, features, row.IsDense);
        }
    }
}
