namespace MlNetRms.Mpi.Tests.Support;

/// <summary>An implementation of MPI: its launcher as Debian names it, the launcher's options, and the library.</summary>
internal sealed record Implementation(string Name, string Launcher, string[] Options, string Library)
{
    /// <summary>The tests use more ranks than cores, and containers run as root.</summary>
    private static readonly Implementation[] _known =
    [
        new("Open MPI", "mpirun.openmpi", ["--oversubscribe", "--allow-run-as-root"], "libmpi.so.40"),
        new("MPICH", "mpirun.mpich", [], "libmpich.so.12"),
    ];

    /// <summary>The implementations installed on this machine.</summary>
    public static IReadOnlyList<Implementation> Installed { get; } = [.. _known.Where(known => IsOnPath(known.Launcher))];

    /// <summary>Whether a missing implementation fails the tests.</summary>
    public static bool IsRequired { get; } = Environment.GetEnvironmentVariable("MLNETRMS_REQUIRE_MPI") is { Length: > 0 };

    /// <summary>Names of the implementations for theories: the installed ones, or all if they are required; at least one, because a theory without cases cannot be skipped.</summary>
    public static IEnumerable<string> Names =>
        _known.Where(known => IsRequired || Installed.Contains(known) || known == _known[0]).Select(known => known.Name);

    public static Implementation Named(string name) => _known.Single(known => known.Name == name);

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
