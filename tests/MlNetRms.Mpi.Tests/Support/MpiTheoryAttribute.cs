namespace MlNetRms.Mpi.Tests.Support;

/// <summary>
/// A theory that is run with each implementation of MPI on this machine, named in its first argument; skipped with the reason where there is
/// none, unless the environment variable <c>MLNETRMS_REQUIRE_MPI</c> forbids that.
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

/// <summary>A fact that needs one of them.</summary>
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
