using MlNetRms.Solver;

namespace MlNetRms.Tests.Solver;

public sealed class BatchOrderTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(10, 3, 1)]
    [InlineData(1000, 7, 4)]
    [InlineData(1000, 128, 1)]
    [InlineData(1001, 10, 1000)]
    [InlineData(127, 128, 2)]
    public void Batch_EveryPositionOfAnEpoch_VisitsEachRowOnceInNearlyEqualBatches(int rows, int batchSize, int runLength)
    {
        foreach (bool shuffle in new[] { false, true })
        {
            var order = Whole(rows, batchSize, runLength, shuffle, seed: 5);
            for (int epoch = 0; epoch < 5; epoch++)
            {
                order.Begin(epoch);
                (long First, int Count)[] batches = Batches(order);

                Assert.Equal((rows + batchSize - 1) / batchSize, batches.Length);
                Assert.Equal(Enumerable.Range(0, rows), batches.SelectMany(batch => RowsOf(batch, rows)).Order());
                Assert.InRange(batches.Max(batch => batch.Count) - batches.Min(batch => batch.Count), 0, 1);
                Assert.InRange(batches.Max(batch => batch.Count), 1, batchSize);
            }
        }
    }

    [Fact]
    public void Begin_NotShuffled_IsTheOrderOfReading()
    {
        var order = Whole(100, 8, runLength: 3, shuffle: false, seed: 5);
        order.Begin(3);

        Assert.Equal(Enumerable.Range(0, 100), Batches(order).SelectMany(batch => RowsOf(batch, 100)));
    }

    [Fact]
    public void Begin_SameSeedAndEpoch_IsTheSameOrderWhateverCameBefore()
    {
        var straight = Whole(1000, 10, 2, shuffle: true, seed: 5);
        for (int epoch = 0; epoch <= 7; epoch++)
            straight.Begin(epoch);
        var jumped = Whole(1000, 10, 2, shuffle: true, seed: 5);
        jumped.Begin(7);

        Assert.Equal(Batches(straight), Batches(jumped));
    }

    [Fact]
    public void Begin_OtherSeedOrEpoch_IsAnotherOrder()
    {
        var order = Whole(1000, 10, 2, shuffle: true, seed: 5);
        order.Begin(0);
        (long, int)[] first = Batches(order);
        order.Begin(1);
        (long, int)[] second = Batches(order);

        Assert.NotEqual(first, second);
        Assert.NotEqual(first, Batches(Whole(1000, 10, 2, shuffle: true, seed: 6)));
    }

    [Fact]
    public void Begin_ManyEpochs_PutsARowIntoBatchesWithOtherNeighboursAndAtAllPositions()
    {
        var order = Whole(40, 10, 1, shuffle: true, seed: 5);
        var starts = new HashSet<long>();
        var positionsOfRowZero = new int[4];
        for (int epoch = 0; epoch < 1000; epoch++)
        {
            order.Begin(epoch);
            (long First, int Count)[] batches = Batches(order);
            starts.UnionWith(batches.Select(batch => batch.First));
            positionsOfRowZero[Array.FindIndex(batches, batch => RowsOf(batch, 40).Contains(0))]++;
        }

        Assert.Equal(40, starts.Count);
        // 250 expected at each position with a standard deviation of 14: five of them.
        Assert.All(positionsOfRowZero, count => Assert.InRange(count, 180, 320));
    }

    [Fact]
    public void Batch_RunLengthAboveOne_KeepsNeighboursTogether()
    {
        var order = Whole(10_000, 10, runLength: 50, shuffle: true, seed: 5);
        (long First, int Count)[] batches = Batches(order);

        int jumps = batches.Zip(batches.Skip(1), (a, b) => (a.First + a.Count) % 10_000 == b.First ? 0 : 1).Sum();

        Assert.InRange(jumps, 1, 10_000 / 10 / 50);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batch_FiveBillionRows_CoversThemAll(bool shuffle)
    {
        const long Rows = 5_000_000_000;
        var order = Whole(Rows, 1_000_000, runLength: 1, shuffle, seed: 5);
        order.Begin(3);
        (long First, int Count)[] batches = Batches(order);

        Assert.Equal(5000, order.BatchCount);
        Assert.Equal(Rows, batches.Sum(batch => (long)batch.Count));
        // Sorted by first row, each batch begins where the one before ends, around the ring.
        (long First, int Count)[] sorted = batches.OrderBy(batch => batch.First).ToArray();
        for (int i = 0; i < sorted.Length; i++)
            Assert.Equal(sorted[(i + 1) % sorted.Length].First, (sorted[i].First + sorted[i].Count) % Rows);
        Assert.Contains(batches, batch => batch.First > int.MaxValue);
    }

    /// <summary>Of rows that are not divided.</summary>
    private static BatchOrder Whole(long rows, int batchSize, int runLength, bool shuffle, int seed) =>
        new(new ShardOfBatches(Number: 0, rows, (int)((rows + batchSize - 1) / batchSize), FirstLong: 0), runLength, shuffle, seed);

    private static (long First, int Count)[] Batches(BatchOrder order) =>
        [.. Enumerable.Range(0, order.BatchCount).Select(order.Batch).Select(run => (run.First, run.Count))];

    private static IEnumerable<int> RowsOf((long First, int Count) batch, int rows) =>
        Enumerable.Range(0, batch.Count).Select(i => (int)((batch.First + i) % rows));
}
