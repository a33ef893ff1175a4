using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;

namespace MlNetRms.Tests.Conventions;

/// <summary>
/// What the rooms (the namespaces below the root) may know of each other, read from the compiled types. Two libraries find what method bodies,
/// locals, closures and generic arguments mention. ArchUnitNET is the maintained one (the last NetArchTest is from June 2025), and it returns
/// a graph, which one table can check. It overlooks catch clauses, sizeof and the parameters of function pointers.
/// </summary>
public sealed class RoomTests
{
    private const string Root = "";

    /// <summary>Each room, lowest first, with the rooms that it may know. Kernels and Saving know only System.</summary>
    private static readonly Dictionary<string, string[]> _mayKnow = new()
    {
        ["Kernels"] = [],
        ["Saving"] = [],
        ["Settings"] = ["Kernels", "Saving"],
        ["Jobs"] = ["Kernels", "Saving", "Settings"],
        ["Rows"] = ["Kernels", "Saving", "Settings", "Jobs"],
        ["Solver"] = ["Kernels", "Saving", "Settings", "Jobs", "Rows"],
        ["Host"] = ["Kernels", "Saving", "Settings", "Jobs", "Rows", "Solver"],
        [Root] = ["Kernels", "Saving", "Settings", "Jobs", "Rows", "Solver", "Host"],
    };

    private static readonly Architecture _types = new ArchLoader().LoadAssembly(typeof(RmsProp).Assembly)
        .LoadNamespacesWithinAssembly(typeof(RoomTests).Assembly, "MlNetRms.Kernels", "MlNetRms.Rows", "MlNetRms.Solver").Build();

    [Fact]
    public void Library_EveryType_KnowsWhatItsRoomMayKnow() => Assert.Empty(Violations("MlNetRms"));

    [Fact]
    public void Violations_PlantedTypes_AreFound() =>
        Assert.Equal(_types.Types.Where(type => type.Name.StartsWith("Breaks", StringComparison.Ordinal)).Select(Name).Order(StringComparer.Ordinal),
            Violations("MlNetRms.Tests").Select(violation => violation.Split(' ')[0]).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Library_Rooms_AreThoseOfTheTable() => Assert.Equal(_mayKnow.Keys.Order(StringComparer.Ordinal),
        Types("MlNetRms").Select(type => RoomOf(type)).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Library_PublicTypes_AreInTheRoot() =>
        Assert.All(typeof(RmsProp).Assembly.GetExportedTypes().Where(type => type != typeof(RmsPropCatalog)),
            type => Assert.Equal("MlNetRms", type.Namespace));

    private static IEnumerable<IType> Types(string assembly) =>
        _types.Types.Where(type => type.Assembly.Name == assembly && RoomOf(type) is not null);

    private static IEnumerable<string> Violations(string assembly) =>
        from type in Types(assembly)
        from known in type.GetTypeDependencies().Where(known => known is not GenericParameter).Distinct()
        where !MayKnow(type, known)
        select $"{Name(type)} → {Name(known)}";

    private static bool MayKnow(IType type, IType known) => (RoomOf(type)!, RoomOf(known)) switch
    {
        ("Kernels" or "Saving", null) => known.Assembly.Name.StartsWith("System.", StringComparison.Ordinal),
        (Root or "Host", null) => true,
        (_, null) => !known.Assembly.Name.StartsWith("Microsoft.ML", StringComparison.Ordinal),
        var (room, other) when room == other => !(type.Name.Contains("Gradient") && known.Name.Contains("Rule")),
        ("Kernels" or "Saving", Root) => false,
        (var room, Root) when known.FullName == typeof(RmsPropRegressionTrainer.Options).FullName => room == "Settings",
        // A public type can be used from below if it knows nothing above.
        (var room, Root) => known.GetTypeDependencies().Select(RoomOf)
            .All(inner => inner is null or Root || inner == room || _mayKnow[room].Contains(inner)),
        var (room, other) => _mayKnow[room].Contains(other),
    };

    /// <summary>The namespace below the root, "" for the root itself, null for a type from elsewhere.</summary>
    private static string? RoomOf(IType type)
    {
        string name = type.Namespace?.FullName ?? "";
        if (name == "MlNetRms" || type.FullName == typeof(RmsPropCatalog).FullName)        // the latter is in ML.NET's namespace
            return Root;
        return name.StartsWith("MlNetRms.", StringComparison.Ordinal) ? name["MlNetRms.".Length..] : null;
    }

    private static string Name(IType type) => type.FullName.Replace("MlNetRms.", "", StringComparison.Ordinal);
}
