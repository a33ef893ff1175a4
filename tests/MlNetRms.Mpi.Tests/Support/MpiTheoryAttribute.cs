namespace MlNetRms.Mpi.Tests.Support;

/// <summary>
/// A theory that runs with each installed implementation of MPI, which is its first argument. If there is none it is skipped with the reason,
/// unless the environment variable <c>MLNETRMS_REQUIRE_MPI</c> is set.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MpiTheoryAttribute : TheoryAttribute
{
    public MpiTheoryAttribute()
    {
        if (Implementation.Installed.Count == 0 && !Implementation.IsRequired)
            Skip = "No launcher of MPI is installed (Debian: apt install openmpi-bin libopenmpi3).";
    }
}

/// <summary>A fact that needs an implementation of MPI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MpiFactAttribute : FactAttribute
{
    public MpiFactAttribute() => Skip = new MpiTheoryAttribute().Skip;
}

/// <summary>A fact that needs the launchers of both implementations.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BothMpiFactAttribute : FactAttribute
{
    public BothMpiFactAttribute()
    {
        if (Implementation.Installed.Count < 2 && !Implementation.IsRequired)
            Skip = "Open MPI and MPICH are not both installed (Debian: apt install openmpi-bin libopenmpi3 mpich).";
    }
}
