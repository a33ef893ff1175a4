using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace MlNetRms.Kernels;

/// <summary>
/// Prefetch hints. Without them the memory is idle while a block's gradient is computed from the cache; the benchmark
/// <c>limit</c> shows the cost. They change no result, and do nothing if the hardware has no such instruction.
/// </summary>
internal static class Prefetch
{
    private const int CacheLineBytes = 64;

    /// <summary>
    /// Prefetches memory that will most likely be read next: right behind <paramref name="rows"/>, from <paramref name="offset"/>
    /// floats on. It need not be allocated: the hardware ignores hints for unmapped addresses.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Beyond(ReadOnlySpan<float> rows, int offset, int length) =>
        From(ref Unsafe.Add(ref MemoryMarshal.GetReference(rows), rows.Length + offset), length);

    /// <summary>Prefetches words that are needed soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Soon(ReadOnlySpan<float> words) => From(ref MemoryMarshal.GetReference(words), words.Length);

    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    private static unsafe void From(ref float first, int length)
    {
        if (!Sse.IsSupported)
            return;
        var address = (byte*)Unsafe.AsPointer(ref first);
        for (int at = 0; at < length * sizeof(float); at += CacheLineBytes)
            Sse.Prefetch0(address + at);
    }
}
