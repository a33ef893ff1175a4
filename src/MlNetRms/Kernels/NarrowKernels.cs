using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>
/// <see cref="LinearKernels"/> for rows of four floats if a vector holds more. In a very long and narrow set, saving the padding's memory
/// matters more than using all lanes. The additions and their order are those of the same rows padded to whole vectors.
/// </summary>
internal static class NarrowKernels
{
    /// <summary>Whether rows of this length are narrow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Take(int rowLength) => rowLength == Vector128<float>.Count && rowLength < Vector<float>.Count;

    /// <inheritdoc cref="LinearKernels.Residuals"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Residuals(ReadOnlySpan<float> rows, ReadOnlySpan<float> parameters, Span<float> residuals)
    {
        ReadOnlySpan<Vector128<float>> x = MemoryMarshal.Cast<float, Vector128<float>>(rows);
        Debug.Assert(parameters.Length == Vector128<float>.Count && x.Length == residuals.Length);
        Vector128<float> theta = Vector128.Create(parameters);
        for (int row = 0; row < residuals.Length; row++)
            residuals[row] = Vector128.Sum(x[row] * theta);
    }

    /// <inheritdoc cref="LinearKernels.AddGradient"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AddGradient(ReadOnlySpan<float> rows, ReadOnlySpan<float> derivatives, Span<float> gradient)
    {
        ReadOnlySpan<Vector128<float>> x = MemoryMarshal.Cast<float, Vector128<float>>(rows);
        Debug.Assert(gradient.Length == Vector128<float>.Count && x.Length == derivatives.Length);
        Vector128<float> g = Vector128.Create<float>(gradient);
        int row = 0;
        for (; row <= derivatives.Length - 4; row += 4)
        {
            Vector128<float> even = Vector128.MultiplyAddEstimate(
                Vector128.Create(derivatives[row]), x[row], derivatives[row + 2] * x[row + 2]);
            Vector128<float> odd = Vector128.MultiplyAddEstimate(
                Vector128.Create(derivatives[row + 1]), x[row + 1], derivatives[row + 3] * x[row + 3]);
            g += even + odd;
        }
        for (; row < derivatives.Length; row++)
            g = Vector128.MultiplyAddEstimate(Vector128.Create(derivatives[row]), x[row], g);
        g.CopyTo(gradient);
    }
}
