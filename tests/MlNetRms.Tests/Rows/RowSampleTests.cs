using MlNetRms.Rows;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class RowSampleTests
{
    private const int Width = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1000)]
    public void Add_NoMoreRowsThanItHolds_KeepsAll(int count)
    {
        RowSample sample = Sampled(count, seed: 1, blockRows: 7);

        Assert.Equal(Enumerable.Range(0, count), Numbers(sample));
        Assert.Equal(count, sample.RowsSeen);
    }

    [Theory]
    [InlineData(1001, 2)]
    [InlineData(2002, 4)]
    [InlineData(100_003, 128)]
    public void Add_MoreRows_KeepsOneOfEveryGroupInOrder(int count, int group)
    {
        int[] numbers = Numbers(Sampled(count, seed: 1, blockRows: 100));

        Assert.InRange(numbers.Length, count / group, count / group + 1);
        Assert.All(numbers.Select((number, i) => (number, i)), row => Assert.Equal(row.i, row.number / group));
        Assert.True(numbers.Select(number => number % group).Distinct().Count() > Math.Min(group, 64) / 2);        // not always the same place
    }

    [Fact]
    public void Add_AnyBlocks_KeepsTheSameRowsAndOtherSeedsOthers()
    {
        int[] numbers = Numbers(Sampled(50_000, seed: 3, blockRows: 1));

        Assert.All(new[] { 2, 999, 50_000 }, blockRows => Assert.Equal(numbers, Numbers(Sampled(50_000, seed: 3, blockRows))));
        Assert.NotEqual(numbers, Numbers(Sampled(50_000, seed: 4, blockRows: 1)));
    }

    [Theory]
    [InlineData(1000, 1000)]
    [InlineData(200, 199)]
    [InlineData(1, 1)]
    public void Add_WideRows_KeepsFewer(long mostWords, int atMost)
    {
        RowSample sample = Sampled(1000, seed: 1, blockRows: 10, mostWords);

        Assert.InRange(sample.Count, Math.Min(mostWords / RowBlock.RowLengthOf(Width) / 2, atMost), atMost);
        // Two rows of three are dense; a sparse one is shorter where vectors are long.
        Assert.InRange(0.6 * sample.Count * RowBlock.RowLengthOf(Width), 0, Math.Max(mostWords, RowBlock.RowLengthOf(Width)));
    }

    [Fact]
    public void Item_SparseAndDenseRows_AreAsRead()
    {
        RowSample sample = Sampled(5000, seed: 1, blockRows: 64);

        for (int i = 0; i < sample.Count; i++)
        {
            Row row = sample[i];
            int number = (int)row.Label;
            Assert.Equal(number % 3 != 0, row.IsDense);
            Assert.Equal(row.IsDense ? [number, 1, 2] : new float[] { number, 2 }, row.Values.ToArray());
            Assert.Equal(row.IsDense ? [] : new[] { 0, 2 }, row.Indices.ToArray());
            Assert.Equal(1 + number % 2, row.Weight);
        }
    }

    /// <summary>Rows whose label is their number; every third is sparse.</summary>
    private static RowSample Sampled(int count, int seed, int blockRows, long mostWords = RowSample.MostWords)
    {
        var sample = new RowSample(Width, seed, RowSample.MostRows, mostWords);
        for (int first = 0; first < count; first += blockRows)
        {
            var block = new RowBlock(Width);
            for (int number = first; number < Math.Min(first + blockRows, count); number++)
            {
                float weight = 1 + number % 2;
                block.Add(number % 3 == 0 ? new Row([0, 2], [number, 2], number, weight) : new Row([], [number, 1, 2], number, weight));
            }
            sample.Add(block);
        }
        return sample;
    }

    private static int[] Numbers(RowSample sample)
    {
        var numbers = new int[sample.Count];
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (int)sample[i].Label;
        return numbers;
    }
}
