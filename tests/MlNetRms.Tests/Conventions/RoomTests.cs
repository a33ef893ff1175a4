namespace MlNetRms.Tests.Conventions;

/// <summary>What the rooms may know of each other, read from the types of the library; and that the rules see what breaks them.</summary>
public sealed class RoomTests
{
    private const string Planted = "MlNetRms.Tests.Conventions.Planted";

    private static readonly Type[] _library = typeof(RmsProp).Assembly.GetTypes();
    private static readonly Type[] _planted = [.. typeof(RoomTests).Assembly.GetTypes().Where(type => RoomRules.RoomOf(type, Planted) is not null)];

    [Fact]
    public void Library_EveryType_KeepsTheRules() => Assert.Empty(new RoomRules(nameof(MlNetRms)).Violations(_library));

    [Fact]
    public void Library_Rooms_AreThoseOfTheDesign() =>
        Assert.Equal(["", "Checkpoints", "Data", "Kernels", "MlNet", "Model", "Objective", "Rules", "Settings", "Threading", "Training"],
            _library.Select(type => RoomRules.RoomOf(type, nameof(MlNetRms))).OfType<string>().Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Library_TypesOutsideTheRooms_AreTheCompilersOwn() =>
        Assert.All(_library.Where(type => RoomRules.RoomOf(type, nameof(MlNetRms)) is null),
            type => Assert.True(type.FullName!.StartsWith('<') || type.Namespace is "System.Runtime.CompilerServices" or "Microsoft.CodeAnalysis", type.FullName));

    [Fact]
    public void Library_PublicTypes_AreInTheRoot() =>
        Assert.All(_library.Where(type => type.IsVisible), type => Assert.Equal("", RoomRules.RoomOf(type, nameof(MlNetRms))));

    public static TheoryData<string> Offenders => [.. _planted.Where(type => Reasons(type).Length > 0).Select(type => type.FullName!)];

    [Theory, MemberData(nameof(Offenders))]
    public void Violations_PlantedOffender_AreNamedWithTheReason(string offender)
    {
        string[] expected = Reasons(_planted.Single(type => type.FullName == offender));

        string[] violations = [.. new RoomRules(Planted).Violations(_planted)
            .Where(violation => violation.StartsWith(offender + " ", StringComparison.Ordinal) || violation.StartsWith(offender + "+", StringComparison.Ordinal))];

        Assert.All(expected, reason => Assert.Contains(violations, violation => violation.EndsWith($"but {reason}.", StringComparison.Ordinal)));
        Assert.All(violations, violation => Assert.Contains(expected, reason => violation.EndsWith($"but {reason}.", StringComparison.Ordinal)));
    }

    [Fact]
    public void Violations_PlantedTypesThatKeepTheRules_AreNone() =>
        Assert.Empty(new RoomRules(Planted).Violations(_planted.Where(type => !IsOffender(type))));

    private static bool IsOffender(Type type) => Reasons(type).Length > 0 || (type.DeclaringType is { } outer && IsOffender(outer));

    private static string[] Reasons(Type type) =>
        [.. type.GetCustomAttributes(typeof(BreaksAttribute), inherit: false).Cast<BreaksAttribute>().Select(breaks => breaks.Reason)];
}
