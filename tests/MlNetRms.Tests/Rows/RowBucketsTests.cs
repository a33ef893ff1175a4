using MlNetRms.Rows;
using MlNetRms.Tests.Support;
using Row = MlNetRms.Rows.Row;

namespace MlNetRms.Tests.Rows;

public sealed class RowBucketsTests
{
    private const int Columns = 5;

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, null)]
    [InlineData(false, 1L)]
    [InlineData(true, 1L)]
    [InlineData(false, 30_000L)]
    [InlineData(true, 30_000L)]
    public void Drain_DenseAndSparseRowsOverManyPages_GivesEachRowBackOnceAsItCame(bool shuffle, long? limit)
    {
        using var memory = new RowMemory(pageWords: 64, limit);        // a few rows each; some rows are longer than a page
        Examples rows = Some.MostlyZero(1, 20_000, denseColumns: 5, sparseColumns: 60, nonZeros: 4);
        var buckets = new RowBuckets(memory, rows.Width, shuffle, seed: 3);
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

        buckets.Complete();
        List<int> order = Drain(buckets, (row, features, isDense) =>
        {
            Assert.Equal(row % 2 != 0, isDense);
            Assert.Equal(rows.Features[row], features);
        });

        Assert.Equal(rows.Count, buckets.RowCount);
        Assert.Equal(Enumerable.Range(0, rows.Count).Sum(row => row + 0.5), buckets.Weights.Sum);
        Assert.Equal(Enumerable.Range(0, rows.Count), order.Order());
        Assert.Equal(!shuffle, order.SequenceEqual(Enumerable.Range(0, rows.Count)));
        Assert.Equal(limit is not null, memory.HasFile);
        Assert.InRange(memory.BytesHeld, 0, 64 * sizeof(float));        // the page that was cut last
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Drain_RowsOfAnyEncodingAndLength_GivesEachBackWithItsBits(bool shuffle)
    {
        using var memory = new RowMemory(pageWords: 16);
        var buckets = new RowBuckets(memory, Columns, shuffle, seed: 1);
        float[] values = [1, -0f, float.Epsilon, 1e30f, float.MaxValue];
        buckets.Add(new Row([], values, label: 0, weight: 0.5f));
        buckets.Add(new Row([], [], label: 1, weight: 1));        // a sparse row without values
        buckets.Add(new Row([4], [7], label: 2, weight: 2));
        buckets.Add(new Row([0, 1, 2, 3, 4], values, label: 3, weight: 3));        // and one with all
        var seen = new SortedDictionary<float, (int[] Indices, int[] Bits, bool IsDense, float Weight)>();

        DrainAll(buckets, (in row) => seen.Add(row.Label, (row.Indices.ToArray(), Bits(row.Values.ToArray()), row.IsDense, row.Weight)));

        Assert.Equal([0, 1, 2, 3], seen.Keys);
        AssertRow([], values, isDense: true, 0.5f, seen[0]);
        AssertRow([], [], isDense: false, 1, seen[1]);
        AssertRow([4], [7], isDense: false, 2, seen[2]);
        AssertRow([0, 1, 2, 3, 4], values, isDense: false, 3, seen[3]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Drain_NoRows_VisitsNothing(bool shuffle)
    {
        using var memory = new RowMemory(pageWords: 16);

        DrainAll(new RowBuckets(memory, Columns, shuffle, seed: 1), (in _) => Assert.Fail("There is no row."));

        Assert.Equal(0, memory.BytesTaken);
    }

    [Fact]
    public void Drain_InOrder_GivesEachPageUpAsSoonAsItIsRead()
    {
        using var memory = new RowMemory(pageWords: 16);        // two rows of eight words a page
        RowBuckets buckets = Filled(memory, rows: 20, shuffle: false);
        var held = new List<long>();

        DrainAll(buckets, (in _) => held.Add(memory.BytesHeld / (16 * sizeof(float))));

        Assert.Equal(Enumerable.Range(0, 20).Select(row => (long)(10 - row / 2)), held);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(1_000)]
    [InlineData(100_000)]
    public void Add_AnyNumberOfRows_HoldsLittleMoreThanTheirWords(int rows)
    {
        using RowMemory memory = Stored.Memory(Columns);
        RowBuckets buckets = Filled(memory, rows, shuffle: true);

        long words = rows * RowBuckets.DenseRecordWords(Columns);
        const int LastBlocks = 64 * (1 << 14);        // at most one page a bucket is half full, and fewer words are in short blocks
        const int OpenPage = 1 << 14;
        Assert.InRange(memory.BytesHeld / sizeof(float), words, words + Math.Min(words, LastBlocks) + OpenPage);
        DrainAll(buckets, (in _) => { });
        Assert.InRange(memory.BytesHeld / sizeof(float), 0, OpenPage);
    }

    /// <summary>Whatever the limit, a bucket has 8 KiB to collect what it writes, or one row.</summary>
    [Theory]
    [InlineData(5, 200_000, 1)]
    [InlineData(5, 200_000, 2_000_000)]
    [InlineData(10_000, 300, 1)]
    [InlineData(10_000, 300, 5_000_000)]
    public void Add_MoreRowsThanTheLimit_HoldsTheLimitAndAShortBlockABucket(int columns, int rows, long limit)
    {
        using RowMemory memory = Stored.Memory(columns, limit);
        var buckets = new RowBuckets(memory, columns, shuffle: true, seed: 1);
        float[] values = new float[columns + 2];
        for (int row = 0; row < rows; row++)
            buckets.AddDense(values);

        long slack = 64 * Math.Max(8192, (long)(1.125 * (columns + 3) * sizeof(float)));
        Assert.InRange(memory.MostBytesHeld, 1, limit + 1.5 * slack + 2 * sizeof(float) * memory.PageWords);
        buckets.Complete();
        Assert.InRange(memory.BytesHeld, 0, limit + SlabCache.SlabBytes / (SlabCache.SlabBytes / sizeof(float) / memory.PageWords));
        long bytes = rows * (columns + 3L) * sizeof(float);
        Assert.InRange(memory.MostFileBytes, bytes - limit, bytes + 64 * sizeof(float) * memory.PageWords);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Drain_CancelledOnTheWay_Throws(bool shuffle)
    {
        using var memory = new RowMemory(pageWords: 16);
        RowBuckets buckets = Filled(memory, rows: 20, shuffle);
        using var cancellation = new CancellationTokenSource();
        int visited = 0;

        Assert.Throws<OperationCanceledException>(() => DrainAll(buckets, (in _) =>
        {
            if (++visited == 5)
                cancellation.Cancel();
        }, cancellation.Token));

        Assert.Equal(5, visited);
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

    private static RowBuckets Filled(RowMemory memory, int rows, bool shuffle)
    {
        var buckets = new RowBuckets(memory, Columns, shuffle, seed: 1);
        for (int row = 0; row < rows; row++)
            buckets.Add(new Row([], [1, 2, 3, 4, 5], label: row, weight: 1));
        return buckets;
    }

    private static void DrainAll(RowBuckets buckets, RowVisitor visit, CancellationToken cancellation = default)
    {
        RecordPosition[] scratch = [];
        for (int bucket = 0; bucket < buckets.Count; bucket++)
            buckets.Drain(bucket, visit, ref scratch, cancellation);
    }

    private static void AssertRow(int[] indices, float[] values, bool isDense, float weight,
        (int[] Indices, int[] Bits, bool IsDense, float Weight) actual)
    {
        Assert.Equal(indices, actual.Indices);
        Assert.Equal(Bits(values), actual.Bits);
        Assert.Equal((isDense, weight), (actual.IsDense, actual.Weight));
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    private static List<int> Order(int rows, int seed)
    {
        using var memory = new RowMemory(pageWords: 256);
        var buckets = new RowBuckets(memory, 1, shuffle: true, seed);
        for (int row = 0; row < rows; row++)
            buckets.Add(new Row([], [row], row, 1));
        return Drain(buckets, (_, _, _) => { });
    }

    private static List<int> Drain(RowBuckets buckets, Action<int, float[], bool> check)
    {
        var order = new List<int>();
        DrainAll(buckets, Visit);
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
