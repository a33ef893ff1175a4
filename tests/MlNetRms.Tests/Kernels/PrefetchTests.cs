using System.Numerics;
using MlNetRms.Kernels;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

public sealed class PrefetchTests
{
    [Fact]
    public void AddGradient_WithHints_GivesTheSameBits()
    {
        int length = 3 * Vector<float>.Count;
        float[] rows = Some.Normals(1, length * 11);
        float[] derivatives = Some.Normals(2, 11);
        var without = new float[length];
        var with = new float[length];

        LinearKernels.AddGradient(rows, derivatives, without, prefetchNext: false);
        LinearKernels.AddGradient(rows, derivatives, with, prefetchNext: true);      // the memory behind the rows is not theirs

        Assert.Equal(without, with);
    }
}
