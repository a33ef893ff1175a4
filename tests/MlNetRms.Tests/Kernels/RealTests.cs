using System.Numerics;
using System.Runtime.InteropServices;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

/// <summary>One number and a vector of numbers: each operation is that of float, element by element.</summary>
public sealed class RealTests
{
    /// <summary>Ordinary numbers, and all for which an operation could differ: a pair of any two of them occurs.</summary>
    private static readonly float[] _numbers =
    [
        0, -0f, 1, -1, 0.1f, -3.7f, 1e-30f, 3e30f, float.Epsilon, float.MaxValue, float.MinValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
        .. Some.Normals(1, 50),
    ];

    [Fact]
    public void Operations_OfRealAndRealVector_AreThoseOfFloat()
    {
        foreach (float right in _numbers)
        {
            AssertBoth((x, y) => x + y, new Sum(), right);
            AssertBoth((x, y) => x - y, new Difference(), right);
            AssertBoth((x, y) => x * y, new Product(), right);
            AssertBoth((x, y) => x / y, new Quotient(), right);
            AssertBoth(MathF.Max, new Maximum(), right);
        }
        AssertBoth((x, _) => MathF.Sqrt(x), new Root(), right: 0);
    }

    [Fact]
    public void At_OfAStoredNumber_IsThatNumber()
    {
        float[] values = [1, 2, 3];

        ref Real second = ref Real.At(ref values[1]);
        second = second * Real.Of(3);

        Assert.Equal([1f, 6f, 3f], values);
    }

    private static void AssertBoth<TOperation>(Func<float, float, float> expected, TOperation operation, float right) where TOperation : IOperation
    {
        float[] left = [.. _numbers, .. new float[(Vector<float>.Count - _numbers.Length % Vector<float>.Count) % Vector<float>.Count]];
        float[] results = [.. left.Select(value => expected(value, right))];
        Assert.Equal(results, Apply<Real, TOperation>(operation, left, right));
        Assert.Equal(results, Apply<RealVector, TOperation>(operation, left, right));
    }

    private static float[] Apply<T, TOperation>(TOperation operation, float[] left, float right)
        where T : struct, IReal<T>
        where TOperation : IOperation
    {
        var result = new float[left.Length];
        Span<T> results = MemoryMarshal.Cast<float, T>(result.AsSpan());
        ReadOnlySpan<T> values = MemoryMarshal.Cast<float, T>(left.AsSpan());
        for (int i = 0; i < values.Length; i++)
            results[i] = operation.Of(values[i], T.Of(right));
        return result;
    }

    private interface IOperation
    {
        T Of<T>(T left, T right) where T : struct, IReal<T>;
    }

    private readonly struct Sum : IOperation
    {
        public T Of<T>(T left, T right) where T : struct, IReal<T> => left + right;
    }

    private readonly struct Difference : IOperation
    {
        public T Of<T>(T left, T right) where T : struct, IReal<T> => left - right;
    }

    private readonly struct Product : IOperation
    {
        public T Of<T>(T left, T right) where T : struct, IReal<T> => left * right;
    }

    private readonly struct Quotient : IOperation
    {
        public T Of<T>(T left, T right) where T : struct, IReal<T> => left / right;
    }

    private readonly struct Maximum : IOperation
    {
        public T Of<T>(T left, T right) where T : struct, IReal<T> => T.Max(left, right);
    }

    private readonly struct Root : IOperation
    {
        public T Of<T>(T left, T right) where T : struct, IReal<T> => T.Sqrt(left);
    }
}
