using System.Numerics;
using MlNetRms.Kernels;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

/// <summary>Sums against double, within the bound of float addition; what has no sum, bit for bit.</summary>
public sealed class LinearKernelsTests
{
    private const int MostRows = 11;
    private const int LongestLength = 257;

    /// <summary>Rows are a whole number of vectors, so these are all the row lengths up to 257 that occur.</summary>
    public static IEnumerable<int> RowLengths =>
        Enumerable.Range(0, LongestLength / Vector<float>.Count + 1).Select(blocks => blocks * Vector<float>.Count);

    [Fact]
    public void Residuals_AnyRowLengthAndCount_EqualTheDotProductsWithinRounding()
    {
        foreach (int length in RowLengths)
        {
            for (int count = 0; count <= MostRows; count++)
            {
                float[] rows = Some.Normals(1, length * count);
                float[] parameters = Some.Normals(2, length);
                var residuals = new float[count];

                LinearKernels.Residuals(rows, parameters, residuals);

                for (int row = 0; row < count; row++)
                    FloatSum.AssertClose(Enumerable.Range(0, length).Select(i => (double)rows[row * length + i] * parameters[i]), residuals[row]);
            }
        }
    }

    [Fact]
    public void AddGradient_AnyRowLengthAndCount_EqualsTheWeightedSumOfRowsWithinRounding()
    {
        foreach (int length in RowLengths)
        {
            for (int count = 0; count <= MostRows; count++)
            {
                float[] rows = Some.Normals(1, length * count);
                float[] derivatives = Some.Normals(2, count);
                float[] before = Some.Normals(3, length);
                float[] gradient = [.. before];

                LinearKernels.AddGradient(rows, derivatives, gradient);

                for (int i = 0; i < length; i++)
                {
                    FloatSum.AssertClose(Enumerable.Range(0, count)
                        .Select(row => (double)derivatives[row] * rows[row * length + i]).Prepend(before[i]), gradient[i]);
                }
            }
        }
    }

    [Fact]
    public void AddGradient_BatchCutBehindFourRows_GivesTheSameBits()
    {
        int length = 3 * Vector<float>.Count;
        float[] rows = Some.Normals(1, length * MostRows);
        float[] derivatives = Some.Normals(2, MostRows);
        var whole = new float[length];
        LinearKernels.AddGradient(rows, derivatives, whole);

        for (int cut = 0; cut <= MostRows; cut += 4)
        {
            var gradient = new float[length];
            LinearKernels.AddGradient(rows.AsSpan(0, cut * length), derivatives.AsSpan(0, cut), gradient);
            LinearKernels.AddGradient(rows.AsSpan(cut * length), derivatives.AsSpan(cut), gradient);
            Assert.Equal(whole, gradient);
        }
    }

    [Fact]
    public void SumOfSquares_AnyLength_EqualsTheSumWithinRounding()
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            float[] values = Some.Normals(length, length);
            FloatSum.AssertClose(values.Select(value => (double)value * value), LinearKernels.SumOfSquares(values));
        }
    }

    [Fact]
    public void Scale_AnyLength_EqualsTheScalarProductBitForBit()
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            float[] values = Some.Normals(length, length);
            float[] expected = values.Select(value => value * 0.3f).ToArray();

            LinearKernels.Scale(values, 0.3f);

            Assert.Equal(expected, values);
        }
    }

    [Fact]
    public void AddScaled_AnyLength_EqualsTheScalarSumBitForBit()
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            float[] values = Some.Normals(1, length);
            float[] other = Some.Normals(2, length);
            float[] expected = values.Zip(other, (v, w) => v + 0.3f * w).ToArray();

            LinearKernels.AddScaled(values, 0.3f, other);

            Assert.Equal(expected, values);
        }
    }

    [Fact]
    public void Dot_AnyNumberOfPlaces_EqualsTheSumWithinRounding()
    {
        float[] dense = Some.Normals(1, LongestLength);
        for (int count = 0; count <= LongestLength; count++)
        {
            int[] places = Places(count);
            float[] values = Some.Normals(2, count);
            FloatSum.AssertClose(values.Zip(places, (value, place) => (double)value * dense[place]), SparseKernels.Dot(places, values, dense));
        }
    }

    [Fact]
    public void AddScaled_AnyNumberOfPlaces_EqualsTheScalarSumBitForBit()
    {
        for (int count = 0; count <= LongestLength; count++)
        {
            int[] places = Places(count);
            float[] values = Some.Normals(2, count);
            float[] dense = Some.Normals(1, LongestLength);
            float[] expected = [.. dense];
            for (int k = 0; k < count; k++)
                expected[places[k]] += 0.3f * values[k];

            SparseKernels.AddScaled(places, values, 0.3f, dense);

            Assert.Equal(expected, dense);
        }
    }

    /// <summary>Different places, none in its natural position.</summary>
    private static int[] Places(int count) => Enumerable.Range(0, count).Select(k => (k * 100 + 1) % LongestLength).ToArray();
}
