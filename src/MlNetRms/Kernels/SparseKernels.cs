using System.Runtime.CompilerServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>The sparse part of a row: values at places of a dense array.</summary>
internal static class SparseKernels
{
    /// <summary>Σ valueₖ · dense[placeₖ].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<int> places, ReadOnlySpan<float> values, ReadOnlySpan<float> dense)
    {
        float sum = 0;
        for (int k = 0; k < places.Length; k++)
            sum += values[k] * dense[places[k]];
        return sum;
    }

    /// <summary>valueₖ ← dense[placeₖ].</summary>
    public static void Gather(ReadOnlySpan<int> places, ReadOnlySpan<float> dense, Span<float> values)
    {
        for (int k = 0; k < places.Length; k++)
            values[k] = dense[places[k]];
    }

    /// <summary>dense[placeₖ] ← valueₖ.</summary>
    public static void Scatter(ReadOnlySpan<int> places, ReadOnlySpan<float> values, Span<float> dense)
    {
        for (int k = 0; k < places.Length; k++)
            dense[places[k]] = values[k];
    }

    /// <summary>dense[placeₖ] ← dense[placeₖ] + factor · valueₖ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor, Span<float> dense)
    {
        for (int k = 0; k < places.Length; k++)
            dense[places[k]] += factor * values[k];
    }
}
