using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace MlNetRms.Mpi;

/// <summary>
/// The MPI functions used here. Handles are addresses in Open MPI and 32-bit numbers in MPICH. A number passed as an address is in the lower half
/// of a register, which is the half that MPICH reads.
/// </summary>
internal static partial class MpiNative
{
    public const string Library = "mpi";

    [LibraryImport(Library)]
    public static partial int MPI_Init_thread(nint argumentCount, nint arguments, int required, out int provided);

    [LibraryImport(Library)]
    public static partial int MPI_Finalize();

    [LibraryImport(Library)]
    public static partial int MPI_Abort(nint communicator, int exitCode);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_rank(nint communicator, out int rank);

    [LibraryImport(Library)]
    public static partial int MPI_Comm_size(nint communicator, out int size);

    [LibraryImport(Library)]
    public static partial int MPI_Allreduce(nint source, Span<double> values, int count, nint type, nint operation, nint communicator);

    [LibraryImport(Library)]
    public static partial int MPI_Bcast(Span<byte> bytes, int count, nint type, int root, nint communicator);

    [LibraryImport(Library)]
    public static partial int MPI_Barrier(nint communicator);

    [LibraryImport(Library)]
    public static partial int MPI_Get_library_version(Span<byte> version, out int length);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int setenv(string name, string value, int overwrite);

    /// <summary>Ends the process at once, without waiting for its threads.</summary>
    [DoesNotReturn]
    [LibraryImport("libc")]
    public static partial void _exit(int exitCode);
}
