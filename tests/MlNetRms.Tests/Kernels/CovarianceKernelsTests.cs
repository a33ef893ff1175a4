using System.Numerics;
using MlNetRms.Kernels;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

public sealed class CovarianceKernelsTests
{
    public static TheoryData<int, int> Shapes
    {
        get
        {
            int step = Math.Max(CovarianceKernels.ColumnsAtOnce, Vector<double>.Count);
            var shapes = new TheoryData<int, int>();
            for (int stride = step; stride <= 64; stride += step)
            {
                foreach (int rows in new[] { 0, 1, 2, 7, 128 })
                    shapes.Add(stride, rows);
            }
            return shapes;
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void AddProducts_AnyRows_AddsTheScalarSumsOfProducts(int stride, int count)
    {
        double[] rows = Array.ConvertAll(Some.Normals(1, count * stride), x => (double)x);
        double[] before = Array.ConvertAll(Some.Normals(2, stride * stride), x => (double)x);
        double[] sums = [.. before];

        CovarianceKernels.AddProducts(rows, stride, sums);

        for (int i = 0; i < stride; i++)
        {
            for (int j = i; j < stride; j++)
            {
                double sum = 0;
                for (int row = 0; row < count; row++)
                    sum += rows[row * stride + i] * rows[row * stride + j];
                Assert.Equal(before[i * stride + j] + sum, sums[i * stride + j], 1e-12);
            }
        }
    }
}
