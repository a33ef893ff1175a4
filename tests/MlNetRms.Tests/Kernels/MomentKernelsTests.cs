using System.Numerics;
using MlNetRms.Kernels;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

/// <summary>Against plain scalar code in double, for all lengths.</summary>
public sealed class MomentKernelsTests
{
    private const int LongestLength = 257;

    [Fact]
    public void Accumulate_AnyNumberOfColumnsAndRows_EqualsTwoPassesOverAllBlocks()
    {
        for (int width = Vector<float>.Count; width <= LongestLength; width += Vector<float>.Count)
        {
            int rows = 1 + width % 13;
            (float[] first, float[] second) = (Block(1, rows, width), Block(2, rows + 3, width));
            (double[] mean, double[] squares, double[] nonZero) = (new double[width], new double[width], new double[width]);
            first.AsSpan(0, width).ToArray().Select(x => (double)x).ToArray().CopyTo(mean, 0);

            MomentKernels.Accumulate(first, weightColumn: 2, Weight(first, width), weightBefore: 0, mean, squares, nonZero);
            MomentKernels.Accumulate(second, weightColumn: 2, Weight(second, width), Weight(first, width), mean, squares, nonZero);

            float[][] all = [.. first.Concat(second).Chunk(width)];
            double[] weights = all.Select(row => (double)row[2]).ToArray();
            for (int column = 0; column < width; column++)
            {
                (double expectedMean, double deviation) = LeastSquares.Moments(all.Select(row => (double)row[column]), weights);
                double expectedSquares = deviation * deviation * weights.Sum();
                Assert.Equal(expectedMean, mean[column], 1e-12 * (1 + Math.Abs(expectedMean)));        // some dozens of double roundings
                Assert.Equal(expectedSquares, squares[column], 1e-10 * (1 + expectedSquares));
                Assert.Equal(all.Sum(row => row[column] != 0 ? (double)row[2] : 0), nonZero[column], 1e-12 * weights.Sum());
            }
        }
    }

    [Fact]
    public void Accumulate_NoWeights_GivesTheBitsOfWeightsOfOne()
    {
        for (int width = Vector<float>.Count; width <= LongestLength; width += Vector<float>.Count)
        {
            int rows = 1 + width % 13;
            float[] block = Block(1, rows, width);
            for (int row = 0; row < rows; row++)
                block[row * width + 2] = 1;
            double[][] weighted = [Doubles(2, width), Doubles(3, width), Doubles(4, width)];
            double[][] unweighted = [.. weighted.Select(numbers => numbers.ToArray())];

            MomentKernels.Accumulate(block, weightColumn: 2, rows, weightBefore: 5, weighted[0], weighted[1], weighted[2]);
            MomentKernels.Accumulate(block, weightColumn: null, rows, weightBefore: 5, unweighted[0], unweighted[1], unweighted[2]);

            Assert.Equal(weighted, unweighted);
        }
    }

    [Fact]
    public void Accumulate_SmallSpreadAroundALargeMean_KeepsTheSpread()
    {
        int width = Vector<float>.Count;
        float[] rows = Enumerable.Range(0, 100).SelectMany(row => Enumerable.Range(0, width).Select(i => i == 1 ? 1 : 1e7f + row % 2)).ToArray();
        (double[] mean, double[] squares) = (new double[width], new double[width]);
        mean.AsSpan().Fill(1e7);

        MomentKernels.Accumulate(rows, weightColumn: 1, blockWeight: 100, weightBefore: 0, mean, squares, new double[width]);

        Assert.Equal((1e7 + 0.5, 25.0), (mean[0], squares[0]));        // all exact in double; sums of squares would have kept no digit
    }

    [Fact]
    public void Standardize_AnyLength_IsOneExpressionInDoubleRoundedOnce()
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            float[] values = Some.Normals(length, length);
            double[] centers = Some.Normals(length + 1, length).Select(x => 1.1 * x).ToArray();
            double[] scales = Some.Normals(length + 2, length).Select(x => 0.3 * x).ToArray();
            float[] expected = values.Select((x, i) => (float)((x - centers[i]) * scales[i])).ToArray();

            MomentKernels.Standardize(values, centers, scales);

            Assert.Equal(expected, values);
        }
    }

    [Fact]
    public void AllFinite_AnyLengthAndPlaceOfTheCulprit_FindsIt()
    {
        for (int length = 0; length <= 40; length++)
        {
            float[] values = Enumerable.Repeat(float.MaxValue, length).ToArray();
            Assert.True(MomentKernels.AllFinite(values));
            for (int i = 0; i < length; i++)
            {
                foreach (float culprit in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
                {
                    values[i] = culprit;
                    Assert.False(MomentKernels.AllFinite(values));
                }
                values[i] = float.MinValue;
            }
        }
    }

    [Fact]
    public void ExtendRanges_BlocksOfRows_GivesTheLeastAndTheLargestValueOfEachColumn()
    {
        int width = 3 * Vector<float>.Count;
        float[][] blocks = [Block(1, 7, width), Block(2, 1, width), Block(3, 40, width)];
        float[] least = Enumerable.Repeat(float.PositiveInfinity, width).ToArray();
        float[] largest = Enumerable.Repeat(float.NegativeInfinity, width).ToArray();

        foreach (float[] block in blocks)
            MomentKernels.ExtendRanges(block, least, largest);

        float[][] rows = [.. blocks.SelectMany(block => block.Chunk(width))];
        Assert.Equal(Enumerable.Range(0, width).Select(column => rows.Min(row => row[column])), least);
        Assert.Equal(Enumerable.Range(0, width).Select(column => rows.Max(row => row[column])), largest);
    }

    private static float[] Block(int seed, int rows, int width)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, rows * width).Select(i => i % width == 2 ? (float)(0.1 + random.NextDouble())
            : random.Next(3) == 0 ? 0 : (float)(i % width + Some.Normal(random))).ToArray();
    }

    private static double[] Doubles(int seed, int length) => [.. Some.Normals(seed, length).Select(x => (double)x)];

    private static double Weight(float[] rows, int width) => rows.Chunk(width).Sum(row => (double)row[2]);
}
