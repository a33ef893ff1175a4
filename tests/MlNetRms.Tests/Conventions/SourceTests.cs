using System.Text.RegularExpressions;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Conventions;

/// <summary>What is read from the source files, because types do not show it.</summary>
public sealed partial class SourceTests
{
    private const int MostLines = 300;
    private const int MedianLines = 100;

    private static readonly string _source = Path.Combine(Repository.Root, "src", "MlNetRms");

    [Fact]
    public void UnsafeAccessor_WholeSource_IsInMlNetInternalsOnly() =>
        Assert.Equal(["MlNet/MlNetInternals.cs"], FilesWith(@"\bUnsafeAccessor\b"));

    [Fact]
    public void UnsafeCode_WholeSource_IsInTwoFilesOnly() =>
        Assert.Equal(["Data/Slab.cs", "Kernels/Prefetch.cs"], FilesWith(@"\bunsafe\b").Order(StringComparer.Ordinal));

    [Fact]
    public void Reflection_WholeSource_IsNotUsed() =>
        Assert.Empty(FilesWith(@"System\.Reflection|BindingFlags|\bdynamic\b"));

    [Fact]
    public void Cursors_WholeSource_AreOpenedByTheReaderOnly() =>
        Assert.Equal(["Data/RowReader.cs"], FilesWith(@"\.GetRowCursor\("));

    [Fact]
    public void ClockAndGlobalRandomSource_WholeSource_AreNotUsed() =>
        Assert.Empty(FilesWith(@"DateTime\.|Random\.Shared|new Random\(|Guid\.NewGuid|Environment\.TickCount"));

    [Fact]
    public void Namespace_EveryFile_IsItsFolder() => Assert.All(Files(), file =>
    {
        string folder = Path.GetDirectoryName(Name(file))!.Replace('/', '.');
        string expected = Name(file) == "RmsPropCatalog.cs" ? "Microsoft.ML" : folder.Length == 0 ? "MlNetRms" : $"MlNetRms.{folder}";
        Assert.Equal((Name(file), expected), (Name(file), Assert.Single(NamespaceLine().Matches(File.ReadAllText(file))).Groups[1].Value));
    });

    [Fact]
    public void Types_EveryOneOfTheTopLevel_HasAFileOfItsNameInTheFolderOfItsNamespace() =>
        Assert.All(typeof(RmsProp).Assembly.GetTypes().Where(type => !type.IsNested && RoomRules.RoomOf(type, "MlNetRms") is not null && !type.Name.StartsWith('<')),
            type => Assert.Contains(Path.Combine(RoomRules.RoomOf(type, "MlNetRms")!, type.Name.Split('`')[0] + ".cs"), Files().Select(Name)));

    [Fact]
    public void PublicTypes_AFile_AreAtMostOne() => Assert.All(Files(), file =>
        Assert.InRange(PublicType().Count(File.ReadAllText(file)), 0, 1));

    [Fact]
    public void Lines_AnyFile_AreFewAndHalfOfTheFilesAreShort()
    {
        (string Name, int Lines)[] files = [.. Files().Select(file => (Name: Name(file), Lines: File.ReadAllLines(file).Length)).OrderBy(file => file.Lines)];

        Assert.All(files, file => Assert.True(file.Lines <= MostLines, $"{file.Name} has {file.Lines} lines."));
        Assert.InRange(files[files.Length / 2].Lines, 1, MedianLines - 1);
    }

    private static IEnumerable<string> FilesWith(string pattern) => Files().Where(file => Regex.IsMatch(File.ReadAllText(file), pattern)).Select(Name);

    private static string[] Files()
    {
        string[] files = Directory.GetFiles(_source, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Name(file).StartsWith("obj/", StringComparison.Ordinal) && !Name(file).StartsWith("bin/", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(files);
        return files;
    }

    private static string Name(string file) => Path.GetRelativePath(_source, file).Replace('\\', '/');

    [GeneratedRegex(@"^namespace ([\w.]+);$", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^public [\w ]*\b(class|struct|record|interface|enum|delegate)\b", RegexOptions.Multiline)]
    private static partial Regex PublicType();
}
