using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;

namespace MlNetRms.Tests.Conventions;

/// <summary>
/// What the rooms (the namespaces below the root) may know of each other, read from the compiled types. Of the two libraries that find
/// what is mentioned in bodies, locals, closures and generic arguments, ArchUnitNET is the one with releases in the last year (NetArchTest's
/// last one is from June 2025), and it returns a graph, which one table can judge. It overlooks catch clauses, sizeof and function pointers.
/// </summary>
public sealed class RoomTests
{
    private const string Root = "";

    /// <summary>Each room, lowest first, and what it may know. The rooms without an entry know nothing but System.</summary>
    private static readonly Dictionary<string, string[]> _mayKnow = new()
    {
        ["Kernels"] = [],
        ["Saving"] = [],
        ["Settings"] = ["Kernels"],
        ["Jobs"] = ["Kernels", "Settings"],
        ["Rows"] = ["Kernels", "Saving", "Settings", "Jobs"],
        ["Solver"] = ["Kernels", "Saving", "Settings", "Jobs", "Rows"],
        ["Host"] = ["Kernels", "Saving", "Settings", "Jobs", "Rows", "Solver"],
        [Root] = ["Kernels", "Saving", "Settings", "Jobs", "Rows", "Solver", "Host"],
    };

    // Until merged: what other branches change.
    private static readonly string[] _untilMerged =
    [
        "Settings.TrainingSettings → Host.LossFunctions",
        "Jobs.Agreement → Host.InputColumns",
        "Jobs.Agreement → Solver.TrainingStart",
        "Jobs.AllReduce → Solver.BatchSum",
        "Jobs.AllReduce → Solver.LossSum",
    ];

    private static readonly Architecture _types = new ArchLoader().LoadAssembly(typeof(RmsProp).Assembly)
        .LoadNamespacesWithinAssembly(typeof(RoomTests).Assembly, "MlNetRms.Kernels", "MlNetRms.Rows", "MlNetRms.Solver").Build();

    [Fact]
    public void Library_EveryType_KnowsWhatItsRoomMayKnow() => Assert.Empty(Violations("MlNetRms").Except(_untilMerged));

    [Fact]
    public void Violations_PlantedTypes_AreFound() =>
        Assert.Equal(_types.Types.Where(type => type.Name.StartsWith("Breaks", StringComparison.Ordinal)).Select(Name).Order(StringComparer.Ordinal),
            Violations("MlNetRms.Tests").Select(violation => violation.Split(' ')[0]).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Library_Rooms_AreThoseOfTheTable() => Assert.Equal(_mayKnow.Keys.Order(StringComparer.Ordinal),
        Types("MlNetRms").Select(type => RoomOf(type)).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Library_PublicTypes_AreInTheRoot() =>
        Assert.All(typeof(RmsProp).Assembly.GetExportedTypes(), type => Assert.True(type.Namespace == "MlNetRms" || type == typeof(RmsPropCatalog), type.FullName));

    private static IEnumerable<IType> Types(string assembly) => _types.Types.Where(type => type.Assembly.Name == assembly && RoomOf(type) is not null);

    private static IEnumerable<string> Violations(string assembly) =>
        from type in Types(assembly)
        from known in type.GetTypeDependencies().Where(known => known is not GenericParameter).Distinct()
        where !MayKnow(type, known)
        select $"{Name(type)} → {Name(known)}";

    private static bool MayKnow(IType type, IType known)
    {
        string room = RoomOf(type)!;
        string? other = RoomOf(known);
        if (other is null)
            return _mayKnow[room] is [] ? known.Assembly.Name.StartsWith("System.", StringComparison.Ordinal)
                : room is Root or "Host" || !known.Assembly.Name.StartsWith("Microsoft.ML", StringComparison.Ordinal);
        if (room == other)        // The gradient does not know which rule asks for it.
            return !(type.Name.Contains("Gradient", StringComparison.Ordinal) && known.Name.Contains("Rule", StringComparison.Ordinal));
        if (known.FullName == typeof(RmsPropRegressionTrainer.Options).FullName)
            return room is "Settings";
        // A public type belongs to the lowest room that has all it knows.
        return other != Root ? _mayKnow[room].Contains(other)
            : _mayKnow[room] is not [] && known.GetTypeDependencies().All(inner => RoomOf(inner) is null or Root || RoomOf(inner) == room || _mayKnow[room].Contains(RoomOf(inner)));
    }

    /// <summary>The namespace below the root, "" for the root itself, null for types of elsewhere.</summary>
    private static string? RoomOf(IType type) => type.Namespace?.FullName switch
    {
        "MlNetRms" => Root,
        "Microsoft.ML" when type.Assembly.Name == "MlNetRms" => Root,        // RmsPropCatalog, whose methods appear beside ML.NET's own
        { } name when name.StartsWith("MlNetRms.", StringComparison.Ordinal) && !name.StartsWith("MlNetRms.Tests", StringComparison.Ordinal) => name["MlNetRms.".Length..],
        _ => null,
    };

    private static string Name(IType type) => type.FullName.Replace("MlNetRms.", "", StringComparison.Ordinal);
}
