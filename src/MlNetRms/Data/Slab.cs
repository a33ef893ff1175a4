using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MlNetRms.Data;

/// <summary>
/// A large piece of memory outside the garbage-collected heap, in 32-bit words. It is freed when disposed of or, if that is
/// missed, when it is finalised.
/// </summary>
internal sealed unsafe class Slab : SafeHandleZeroOrMinusOneIsInvalid
{
    private Slab(void* memory)
        : base(ownsHandle: true) => SetHandle((nint)memory);

    /// <param name="byteCount">A multiple of <paramref name="alignment"/>.</param>
    /// <param name="alignment">A power of two.</param>
    /// <exception cref="OutOfMemoryException">There is no such memory.</exception>
    public static Slab Allocate(nuint byteCount, nuint alignment) => new(NativeMemory.AlignedAlloc(byteCount, alignment));

    /// <exception cref="ObjectDisposedException">The memory has been freed.</exception>
    public Span<float> Words(long start, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return new Span<float>((float*)handle + start, length);
    }

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
