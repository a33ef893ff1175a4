using MlNetRms.Kernels;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

/// <summary>Sums in double against plain ones, within the bound of double addition.</summary>
public sealed class WideKernelsTests
{
    private const int MostRows = 11;

    /// <summary>Packed rows can be half a vector long.</summary>
    private static readonly int[] _lengths = [0, 1, 3, 4, 7, 8, 12, 16, 17, 24, 64, 257];

    [Fact]
    public void Products_AnyRowLengthAndCount_EqualTheDotProducts()
    {
        foreach (int length in _lengths)
        {
            for (int count = 0; count <= MostRows; count++)
            {
                float[] rows = Some.Normals(1, length * count);
                double[] parameters = Doubles(2, length);
                var products = new double[count];

                WideKernels.Products(rows, parameters, products);

                for (int row = 0; row < count; row++)
                    AssertSum(Enumerable.Range(0, length).Select(i => rows[row * length + i] * parameters[i]), products[row]);
            }
        }
    }

    [Fact]
    public void AddRows_AnyRowLengthAndCount_EqualsTheWeightedSumOfRows()
    {
        foreach (int length in _lengths)
        {
            for (int count = 0; count <= MostRows; count++)
            {
                float[] rows = Some.Normals(1, length * count);
                double[] factors = Doubles(2, count);
                double[] before = Doubles(3, length);
                double[] sums = [.. before];

                WideKernels.AddRows(rows, factors, sums);

                for (int i = 0; i < length; i++)
                    AssertSum(Enumerable.Range(0, count).Select(row => factors[row] * rows[row * length + i]).Prepend(before[i]), sums[i]);
            }
        }
    }

    [Fact]
    public void DotAndAddScaled_AnyPositions_AreThoseOfTheFullRow()
    {
        int[] positions = [0, 3, 4, 9];
        float[] values = Some.Normals(1, positions.Length);
        double[] dense = Doubles(2, 10);
        double[] before = [.. dense];

        AssertSum(positions.Zip(values, (position, value) => value * dense[position]), WideKernels.Dot(positions, values, dense));
        WideKernels.AddScaled(positions, values, factor: -2.5, dense);

        for (int i = 0; i < dense.Length; i++)
        {
            int k = Array.IndexOf(positions, i);
            Assert.Equal(before[i] + (k < 0 ? 0 : -2.5 * values[k]), dense[i], 1e-14);
        }
        Assert.Equal(0, WideKernels.Dot([], [], dense));
    }

    private static double[] Doubles(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Some.Normal(random))];
    }

    private static void AssertSum(IEnumerable<double> terms, double actual)
    {
        double[] all = [.. terms];
        double bound = (all.Length + 1) * 2.3e-16 * all.Sum(Math.Abs);
        Assert.InRange(actual - all.Sum(), -bound, bound);
    }
}
