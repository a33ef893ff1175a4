using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

/// <summary>
/// Rows of four floats against double; and, as <see cref="LinearKernels"/> passes them on where a vector holds more, against
/// the same rows padded to whole vectors, bit for bit.
/// </summary>
public sealed class NarrowKernelsTests
{
    private const int MostRows = 257;
    private const int Stride = 4;

    private static readonly int _padded = RowLayout.WholeVectors(Stride);

    [Fact]
    public void Residuals_AnyNumberOfRows_EqualThoseOfPaddedRowsBitForBit()
    {
        for (int count = 0; count <= MostRows; count++)
        {
            (float[] rows, float[] parameters) = (Some.Normals(1, Stride * count), Some.Normals(2, Stride));
            (float[] narrow, float[] padded) = (new float[count], new float[count]);

            LinearKernels.Residuals(rows, parameters, narrow);
            LinearKernels.Residuals(Padded(rows), Padded(parameters), padded);

            Assert.Equal(padded, narrow);
        }
    }

    [Fact]
    public void Residuals_AnyNumberOfRows_EqualTheDotProductsWithinRounding()
    {
        for (int count = 0; count <= MostRows; count++)
        {
            (float[] rows, float[] parameters) = (Some.Normals(1, Stride * count), Some.Normals(2, Stride));
            var residuals = new float[count];

            NarrowKernels.Residuals(rows, parameters, residuals);

            for (int row = 0; row < count; row++)
                FloatSum.AssertClose(Enumerable.Range(0, Stride).Select(i => (double)rows[row * Stride + i] * parameters[i]), residuals[row]);
        }
    }

    [Fact]
    public void AddGradient_AnyNumberOfRows_EqualsThatOfPaddedRowsBitForBit()
    {
        for (int count = 0; count <= MostRows; count++)
        {
            (float[] rows, float[] derivatives) = (Some.Normals(1, Stride * count), Some.Normals(2, count));
            float[] narrow = Some.Normals(3, Stride);
            float[] padded = Padded(narrow);

            LinearKernels.AddGradient(rows, derivatives, narrow, prefetchNext: true);
            LinearKernels.AddGradient(Padded(rows), derivatives, padded);

            Assert.Equal(padded[..Stride], narrow);
        }
    }

    [Fact]
    public void AddGradient_AnyNumberOfRows_EqualsTheWeightedSumOfRowsWithinRounding()
    {
        for (int count = 0; count <= MostRows; count++)
        {
            (float[] rows, float[] derivatives) = (Some.Normals(1, Stride * count), Some.Normals(2, count));
            float[] before = Some.Normals(3, Stride);
            float[] gradient = [.. before];

            NarrowKernels.AddGradient(rows, derivatives, gradient);

            for (int i = 0; i < Stride; i++)
                FloatSum.AssertClose(Enumerable.Range(0, count).Select(row => (double)derivatives[row] * rows[row * Stride + i]).Prepend(before[i]),
                    gradient[i]);
        }
    }

    /// <summary>The same rows, each followed by zeros up to whole vectors.</summary>
    private static float[] Padded(float[] rows)
    {
        var padded = new float[rows.Length / Stride * _padded];
        for (int row = 0; row < rows.Length / Stride; row++)
            rows.AsSpan(row * Stride, Stride).CopyTo(padded.AsSpan(row * _padded));
        return padded;
    }
}
