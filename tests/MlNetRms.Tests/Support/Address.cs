using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MlNetRms.Tests.Support;

/// <summary>The address of memory that does not move.</summary>
internal static class Address
{
    public static nint Of(ReadOnlySpan<float> words) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<float>(), ref MemoryMarshal.GetReference(words));
}
