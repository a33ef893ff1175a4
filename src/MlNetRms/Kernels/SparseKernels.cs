using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>The sparse values of a row: values at given positions of a dense array.</summary>
internal static class SparseKernels
{
    /// <summary>Σ valueₖ · dense[positionₖ].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, ReadOnlySpan<float> dense)
    {
        float sum = 0;
        for (int k = 0; k < positions.Length; k++)
            sum += values[k] * dense[positions[k]];
        return sum;
    }

    /// <summary>valueₖ ← dense[positionₖ].</summary>
    public static void Gather(ReadOnlySpan<int> positions, ReadOnlySpan<float> dense, Span<float> values)
    {
        for (int k = 0; k < positions.Length; k++)
            values[k] = dense[positions[k]];
    }

    /// <summary>dense[positionₖ] ← valueₖ.</summary>
    public static void Scatter(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, Span<float> dense)
    {
        for (int k = 0; k < positions.Length; k++)
            dense[positions[k]] = values[k];
    }

    /// <summary>dense[positionₖ] ← dense[positionₖ] + factor · valueₖ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(ReadOnlySpan<int> positions, ReadOnlySpan<float> values, float factor, Span<float> dense)
    {
        for (int k = 0; k < positions.Length; k++)
            dense[positions[k]] += factor * values[k];
    }
}
