using System.Globalization;

namespace MlNetRms.Mpi;

/// <summary>The launcher of this process, from environment variables.</summary>
internal static class MpiLauncher
{
    private const string OpenMpi = "OMPI_COMM_WORLD_SIZE";
    private const string Mpich = "PMI_SIZE";
    private const string Slurm = "SLURM_NTASKS";

    /// <summary>Whether MPICH's launcher, or one that speaks its protocol, started this process.</summary>
    public static bool IsOfMpich => ProcessesBy(OpenMpi) is null && ProcessesBy(Mpich) is not null;

    /// <summary>Number of processes that the launcher started, and the variable that says so; null for one process or no launcher.</summary>
    public static (int Count, string Variable)? Processes()
    {
        foreach (string variable in new[] { OpenMpi, Mpich, Slurm })
        {
            if (ProcessesBy(variable) is > 1 and { } count)
                return (count, variable);
        }
        return null;
    }

    private static int? ProcessesBy(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int count) ? count : null;
}
