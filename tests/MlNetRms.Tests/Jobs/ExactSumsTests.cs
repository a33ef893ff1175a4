using System.Numerics;
using MlNetRms.Jobs;

namespace MlNetRms.Tests.Jobs;

/// <summary>Against sums of whole numbers: every finite float is one, times 2⁻²⁰⁰.</summary>
public sealed class ExactSumsTests
{
    private static readonly (int Lowest, int Highest) _all = ExactSums.AllUnits;

    public static TheoryData<int> Lengths => [1, 7, 8, 16, 33];

    [Theory, MemberData(nameof(Lengths))]
    public void Add_FloatsOfAllSizesInAnyOrder_GivesTheSumOfWholeNumbersRoundedOnce(int length)
    {
        float[][] terms = [.. Enumerable.Range(0, 200).Select(term => Floats(length, seed: term))];
        var forwards = new double[(_all.Highest - _all.Lowest + 1) * length];
        var backwards = new double[forwards.Length];

        foreach (float[] term in terms)
            Assert.Equal(0, ExactSums.Add(term, _all, forwards));
        foreach (float[] term in terms.Reverse())
            Assert.Equal(0, ExactSums.Add(term, _all, backwards));

        Assert.Equal(forwards, backwards);
        for (int i = 0; i < length; i++)
        {
            BigInteger expected = terms.Aggregate(BigInteger.Zero, (sum, term) => sum + Whole(term[i]));
            BigInteger actual = Enumerable.Range(0, forwards.Length / length).Aggregate(BigInteger.Zero, (sum, unit) =>
                sum + Whole(forwards[unit * length + i]));
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Add_DoublesInAnyOrder_GivesTheSameBitsCloseToTheSum()
    {
        var random = new Random(1);
        for (int time = 0; time < 100; time++)
        {
            double[] terms = [.. Enumerable.Range(0, 500).Select(_ => (random.NextDouble() - 0.4) * Math.ScaleB(1, random.Next(-60, 100)))];
            double forwards = Sum(terms);
            double halves = Sum([.. terms[250..], .. terms[..250]]);

            Assert.Equal(BitConverter.DoubleToInt64Bits(forwards), BitConverter.DoubleToInt64Bits(halves));
            BigInteger expected = terms.Aggregate(BigInteger.Zero, (sum, term) => sum + Whole(term));
            Assert.Equal(1, (double)Whole(forwards) / (double)expected, 1e-14);
        }

        static double Sum(double[] terms)
        {
            var sums = new double[ExactSums.UnitCount];
            Assert.All(terms, term => Assert.True(ExactSums.Add(term, sums)));
            return ExactSums.ToDouble(sums);
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(-3e41, true)]
    [InlineData(4e41, false)]
    [InlineData(double.NaN, false)]
    [InlineData(double.NegativeInfinity, false)]
    public void Add_Double_SaysWhetherItFits(double value, bool fits) => Assert.Equal(fits, ExactSums.Add(value, new double[ExactSums.UnitCount]));

    [Fact]
    public void UnitCount_IsThatOfAllUnits() => Assert.Equal(ExactSums.UnitCount, _all.Highest - _all.Lowest + 1);

    [Fact]
    public void Add_MostShardsOfTheLargestFloats_IsExact()
    {
        const int Shards = 4096;
        float[] largest = [float.MaxValue, float.MaxValue / 3, -float.MaxValue];
        var sums = new double[(_all.Highest - _all.Lowest + 1) * 3];

        for (int shard = 0; shard < Shards; shard++)
            ExactSums.Add(largest, _all, sums);

        for (int i = 0; i < 3; i++)
        {
            BigInteger actual = Enumerable.Range(0, sums.Length / 3).Aggregate(BigInteger.Zero, (sum, unit) => sum + Whole(sums[unit * 3 + i]));
            Assert.Equal(Shards * Whole(largest[i]), actual);
        }
    }

    [Theory]
    [InlineData(0f, 0)]
    [InlineData(1f, 0)]
    [InlineData(-262144f, 0)]                   // 2¹⁸
    [InlineData(262176f, 1)]
    [InlineData(3.6379788e-12f, 0)]             // 2⁻³⁸
    [InlineData(1e-25f, 1)]
    [InlineData(float.NaN, 1)]
    [InlineData(float.PositiveInfinity, 1)]
    [InlineData(float.NegativeInfinity, 1)]
    public void Add_UsualUnits_CountsWhatDoesNotFit(float value, int expected)
    {
        foreach (int length in new[] { 1, 16 })
        {
            float[] values = [.. Enumerable.Repeat(value, length)];
            Assert.Equal(expected * length, ExactSums.Add(values, ExactSums.UsualUnits, new double[2 * length]));
        }
    }

    [Fact]
    public void ToFloats_UnitsThatAreNotNeeded_ChangeNoBit()
    {
        float[] values = Floats(33, seed: 1, exponents: (-30, 10));
        var few = new double[2 * 33];
        var all = new double[(_all.Highest - _all.Lowest + 1) * 33];
        for (int i = 1; i < 5; i++)
        {
            ExactSums.Add([.. values.Select(value => value * i)], ExactSums.UsualUnits, few);
            ExactSums.Add([.. values.Select(value => value * i)], _all, all);
        }
        var fromFew = new float[33];
        var fromAll = new float[33];

        ExactSums.ToFloats(few, fromFew);
        ExactSums.ToFloats(all, fromAll);

        Assert.Equal(fromFew, fromAll);
        Assert.All(values.Zip(fromAll), pair => Assert.Equal(10.0 * pair.First, pair.Second, 1e-6 * Math.Abs(10.0 * pair.First)));
    }

    private static float[] Floats(int length, int seed, (int Least, int Most)? exponents = null)
    {
        var random = new Random(seed);
        (int least, int most) = exponents ?? (-149, 120);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(least, most))))];
    }

    /// <summary>The number in units of 2⁻²⁰⁰.</summary>
    private static BigInteger Whole(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent > 0 ? 1L << 52 : 0);
        int shift = Math.Max(exponent, 1) - 1075 + 200;
        Assert.True(value == 0 || shift >= 0 || (mantissa & ((1L << -shift) - 1)) == 0);
        BigInteger size = shift >= 0 ? new BigInteger(mantissa) << shift : mantissa >> Math.Min(-shift, 63);
        return value < 0 ? -size : size;
    }
}
