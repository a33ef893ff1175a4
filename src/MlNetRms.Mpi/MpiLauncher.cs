using System.Globalization;

namespace MlNetRms.Mpi;

/// <summary>What the environment says of the program that started this process.</summary>
internal static class MpiLauncher
{
    private const string OpenMpi = "OMPI_COMM_WORLD_SIZE";
    private const string Mpich = "PMI_SIZE";
    private const string Slurm = "SLURM_NTASKS";

    /// <summary>Whether MPICH's launcher, or one that speaks its protocol, started this process.</summary>
    public static bool IsOfMpich => ProcessesBy(OpenMpi) is null && ProcessesBy(Mpich) is not null;

    /// <summary>Processes that the launcher started, and the variable that says so; null where it started one, or there is none.</summary>
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
