using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace MlNetRms.Kernels;

/// <summary>
/// Hints to the memory. Without them it rests while a block's gradient is computed from the cache; the benchmark
/// <c>limit</c> shows what that costs. They change no result, and do nothing where the hardware has no such hint.
/// </summary>
internal static class Prefetch
{
    private const int CacheLineBytes = 64;

    /// <summary>What follows is read in sequence, which the hardware sees.</summary>
    private const int MostBytes = 512;

    /// <summary>
    /// Asks for a part of what most likely comes next: the memory right behind <paramref name="rows"/>, from
    /// <paramref name="offset"/> floats on. It need not exist: a hint to an address that is no memory is ignored.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Beyond(ReadOnlySpan<float> rows, int offset, int length)
    {
        if (!Sse.IsSupported)
            return;
        var next = (byte*)Unsafe.AsPointer(ref Unsafe.Add(ref MemoryMarshal.GetReference(rows), rows.Length + offset));
        for (int at = 0; at < length * sizeof(float); at += CacheLineBytes)
            Sse.Prefetch0(next + at);
    }

    /// <summary>Asks for words that are needed soon; of many, for the first ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static unsafe void Soon(ReadOnlySpan<float> words)
    {
        if (!Sse.IsSupported)
            return;
        var first = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(words));
        for (int at = 0; at < Math.Min(words.Length * sizeof(float), MostBytes); at += CacheLineBytes)
            Sse.Prefetch0(first + at);
    }
}
