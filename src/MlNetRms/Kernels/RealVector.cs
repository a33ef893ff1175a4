using System.Numerics;
using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>As many numbers as a vector register holds.</summary>
internal readonly struct RealVector(Vector<float> value) : IReal<RealVector>
{
    private readonly Vector<float> _value = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector Of(float value) => new(new Vector<float>(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector operator +(RealVector left, RealVector right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector operator -(RealVector left, RealVector right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector operator *(RealVector left, RealVector right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector operator /(RealVector left, RealVector right) => new(left._value / right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector Sqrt(RealVector value) => new(Vector.SquareRoot(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RealVector Max(RealVector left, RealVector right) => new(Vector.Max(left._value, right._value));
}
