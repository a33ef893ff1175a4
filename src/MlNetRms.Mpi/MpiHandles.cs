using System.Runtime.InteropServices;

namespace MlNetRms.Mpi;

/// <summary>The constants of MPI, whose values depend on the implementation.</summary>
internal sealed record MpiHandles(nint World, nint Byte, nint Double, nint Sum, nint Max, nint InPlace)
{
    /// <summary>The constants of MPICH and of implementations with the same binary interface (Intel MPI, MVAPICH, Cray MPICH).</summary>
    private static readonly MpiHandles _mpich = new(0x44000000, 0x4c00010d, 0x4c00080b, 0x58000003, 0x58000001, -1);

    /// <param name="library">A loaded MPI library.</param>
    public static MpiHandles For(nint library)
    {
        // In Open MPI they are addresses of exported objects.
        if (!NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world))
            return _mpich;
        return new(world, Export("ompi_mpi_byte"), Export("ompi_mpi_double"), Export("ompi_mpi_op_sum"), Export("ompi_mpi_op_max"), InPlace: 1);

        nint Export(string name) => NativeLibrary.GetExport(library, name);
    }
}
