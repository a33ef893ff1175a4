using MlNetRms.Kernels;

namespace MlNetRms.Tests.Kernels;

public sealed class SeededRandomTests
{
    [Fact]
    public void Bits_SeedStreamPartAndIndex_EachMatter()
    {
        ulong[] bits =
        [
            new SeededRandom(1, RandomStream.Bucket).Bits(0),
            new SeededRandom(2, RandomStream.Bucket).Bits(0),
            new SeededRandom(1, RandomStream.RowOrder).Bits(0),
            new SeededRandom(1, RandomStream.Bucket, 1).Bits(0),
            new SeededRandom(1, RandomStream.Bucket).Bits(1),
            new SeededRandom(-1, RandomStream.Bucket).Bits(0),
        ];

        Assert.Equal(bits.Length, bits.Distinct().Count());
        Assert.Equal(bits[0], new SeededRandom(1, RandomStream.Bucket).Bits(0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(5_000_000_000)]
    public void Below_ManyNumbers_StayBelowTheBoundAndAverageHalfOfIt(long bound)
    {
        var random = new SeededRandom(1, RandomStream.BatchOrder);
        long[] numbers = Enumerable.Range(0, 10_000).Select(index => random.Below(index, bound)).ToArray();

        Assert.All(numbers, number => Assert.InRange(number, 0, bound - 1));
        // A uniform number has a standard deviation of bound/√12; five standard errors of the mean of ten thousand.
        Assert.InRange(numbers.Average() - (bound - 1) / 2.0, -0.015 * bound, 0.015 * bound);
    }

    [Fact]
    public void Gaussian_ManyNumbers_HaveTheMomentsOfTheNormalDistribution()
    {
        const int Count = 100_000;
        var random = new SeededRandom(1, RandomStream.InitialWeights);
        double[] numbers = Enumerable.Range(0, Count).Select(index => random.Gaussian(index)).ToArray();

        // Five standard errors: of the mean 1/√n, of the second moment √(2/n), of the fourth √(96/n).
        Assert.Equal(0, numbers.Average(), 5 * Math.Sqrt(1.0 / Count));
        Assert.Equal(1, numbers.Average(x => x * x), 5 * Math.Sqrt(2.0 / Count));
        Assert.Equal(3, numbers.Average(x => x * x * x * x), 5 * Math.Sqrt(96.0 / Count));
    }

    [Fact]
    public void Shuffle_ThreeItems_GivesAllSixOrdersEquallyOften()
    {
        var counts = new Dictionary<string, int>();
        for (int seed = 0; seed < 6000; seed++)
        {
            char[] items = ['a', 'b', 'c'];
            new SeededRandom(seed, RandomStream.RowOrder).Shuffle<char>(items);
            counts[new string(items)] = counts.GetValueOrDefault(new string(items)) + 1;
        }

        Assert.Equal(6, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 1000 - 145, 1000 + 145));        // five standard deviations of 29
    }
}
