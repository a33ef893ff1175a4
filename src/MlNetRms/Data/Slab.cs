using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MlNetRms.Data;

/// <summary>
/// A large piece of memory outside the garbage-collected heap, in 32-bit words. It is freed when disposed of or, if that is
/// missed, when it is finalised.
/// </summary>
internal sealed unsafe class Slab : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly long _length;
    private readonly Action<nint> _free;

    /// <param name="memory">The memory; the slab owns it from here on.</param>
    /// <param name="length">Its words.</param>
    /// <param name="free">Frees it.</param>
    public Slab(nint memory, long length, Action<nint> free)
        : base(ownsHandle: true)
    {
        _length = length;
        _free = free;
        SetHandle(memory);
    }

    /// <exception cref="ArgumentOutOfRangeException">The words are not all in the slab.</exception>
    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<float> Words(long start, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, _length);
        return new Span<float>((float*)handle + start, length);
    }

    /// <summary>Takes memory from the system.</summary>
    /// <param name="byteCount">A multiple of <paramref name="alignment"/>.</param>
    /// <param name="alignment">A power of two.</param>
    /// <exception cref="OutOfMemoryException">There is no such memory.</exception>
    public static nint AllocateMemory(nuint byteCount, nuint alignment) => (nint)NativeMemory.AlignedAlloc(byteCount, alignment);

    /// <summary>Gives memory back to the system.</summary>
    public static void FreeMemory(nint memory) => NativeMemory.AlignedFree((void*)memory);

    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}
