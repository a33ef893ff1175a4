using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using Row = MlNetRms.Rows.Row;

namespace MlNetRms.Tests.Rows;

public sealed class RowBucketTests
{
    private const int Columns = 5;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Drain_RowsOfAnyEncodingAndLength_GivesEachBackWithItsBits(bool shuffle)
    {
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, 16));
        var bucket = new RowBucket(chunks, Columns);
        float[] values = [1, -0f, float.Epsilon, 1e30f, float.MaxValue];
        bucket.Add(new Row([], values, label: 0, weight: 0.5f));
        bucket.Add(new Row([], [], label: 1, weight: 1));        // a sparse row without values
        bucket.Add(new Row([4], [7], label: 2, weight: 2));
        bucket.Add(new Row([0, 1, 2, 3, 4], values, label: 3, weight: 3));        // and one with all
        var seen = new SortedDictionary<float, (int[] Indices, int[] Bits, bool IsDense, float Weight)>();

        Drain(bucket, shuffle, (in row) => seen.Add(row.Label,
            (row.Indices.ToArray(), Bits(row.Values.ToArray()), row.IsDense, row.Weight)), CancellationToken.None);

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
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, 16));

        Drain(new RowBucket(chunks, Columns), shuffle, (in _) => Assert.Fail("There is no row."), CancellationToken.None);
    }

    [Fact]
    public void DrainInOrder_ManyChunks_ReturnsEachAsSoonAsItIsRead()
    {
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, 16));        // two rows of eight words a chunk
        RowBucket bucket = Filled(chunks, rows: 20);
        var order = new List<float>();
        var returned = new HashSet<Chunk>();
        Chunk fresh = chunks.Rent(1).Memory!;

        bucket.DrainInOrder((in row) =>
        {
            order.Add(row.Label);
            if (order.Count % 2 == 1 && order.Count > 1)
                Assert.True(returned.Add(chunks.Rent(1).Memory!));
        }, CancellationToken.None);

        Assert.Equal(Enumerable.Range(0, 20).Select(row => (float)row), order);
        Assert.DoesNotContain(fresh, returned);
        Assert.Equal(9, returned.Count);
        Assert.All(returned, chunk => Assert.True(Address.Of(chunk.Words) < Address.Of(fresh.Words)));        // rented before it
    }

    [Fact]
    public void DrainShuffled_RowsOfManyChunks_ReturnsTheChunksAndGivesOneOrderForOneSeed()
    {
        var allocator = new CountingAllocator();
        using var chunks = new ChunkStore(new ChunkPool(allocator, 1 << 17));        // four chunks a slab
        int rows = 4 * (1 << 17) / 8;
        RecordPosition[] records = [];
        var orders = new List<float>[3];

        for (int run = 0; run < 3; run++)
        {
            List<float> order = orders[run] = [];
            var random = new SeededRandom(seed: run / 2, RandomStream.RowOrder);
            Filled(chunks, rows).DrainShuffled(random, (in row) => order.Add(row.Label), ref records, CancellationToken.None);
        }

        Assert.Single(allocator.Slabs);
        Assert.Equal(orders[0], orders[1]);
        Assert.NotEqual(orders[0], orders[2]);
        Assert.Equal(rows, orders[2].Distinct().Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Drain_CancelledOnTheWay_Throws(bool shuffle)
    {
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, 16));
        RowBucket bucket = Filled(chunks, rows: 20);
        using var cancellation = new CancellationTokenSource();
        int visited = 0;

        Assert.Throws<OperationCanceledException>(() => Drain(bucket, shuffle, (in _) =>
        {
            if (++visited == 5)
                cancellation.Cancel();
        }, cancellation.Token));

        Assert.Equal(5, visited);
    }

    private static RowBucket Filled(ChunkStore chunks, int rows)
    {
        var bucket = new RowBucket(chunks, Columns);
        for (int row = 0; row < rows; row++)
            bucket.Add(new Row([], [1, 2, 3, 4, 5], label: row, weight: 1));
        return bucket;
    }

    private static void Drain(RowBucket bucket, bool shuffle, RowVisitor visit, CancellationToken cancellation)
    {
        RecordPosition[] records = [];
        if (shuffle)
            bucket.DrainShuffled(new SeededRandom(1, RandomStream.RowOrder), visit, ref records, cancellation);
        else
            bucket.DrainInOrder(visit, cancellation);
    }

    private static void AssertRow(int[] indices, float[] values, bool isDense, float weight,
        (int[] Indices, int[] Bits, bool IsDense, float Weight) actual)
    {
        Assert.Equal(indices, actual.Indices);
        Assert.Equal(Bits(values), actual.Bits);
        Assert.Equal((isDense, weight), (actual.IsDense, actual.Weight));
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
