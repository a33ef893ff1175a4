using System.Text.RegularExpressions;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Conventions;

/// <summary>The rooms of the design and their doors, read from the source.</summary>
public sealed partial class RoomTests
{
    private static readonly string _source = Path.Combine(Repository.Root, "src", "MlNetRms");

    [Fact]
    public void Kernels_Usings_AreOfSystemOnly() =>
        Assert.All(Usings("Kernels"), used => Assert.Matches(@"^System(\.|$)", used.Namespace));

    [Fact]
    public void Optimization_Usings_AreNeverOfMlNet()
    {
        Assert.All(Usings("Optimization"), used => Assert.DoesNotContain("Microsoft.ML", used.Namespace, StringComparison.Ordinal));
        Assert.All(Usings("Optimization"), used => Assert.NotEqual("MlNetRms.MlNet", used.Namespace));
        Assert.All(Files("Optimization"), file => Assert.DoesNotContain("IDataView", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public void Examples_Usings_AreNeverOfTheOptimiser() =>
        Assert.All(Usings("Examples"), used => Assert.NotEqual("MlNetRms.Optimization", used.Namespace));

    [Fact]
    public void UnsafeAccessor_WholeSource_StandsInMlNetInternalsOnly() =>
        Assert.Equal(["MlNet/MlNetInternals.cs"], FilesWith(@"\bUnsafeAccessor\b"));

    [Fact]
    public void UnsafeCode_WholeSource_StandsInTwoFilesOnly() =>
        Assert.Equal(["Examples/Chunk.cs", "Kernels/Prefetch.cs"], FilesWith(@"\bunsafe\b").Order(StringComparer.Ordinal));

    [Fact]
    public void Reflection_WholeSource_IsNotUsed() =>
        Assert.Empty(FilesWith(@"System\.Reflection|BindingFlags|\bdynamic\b"));

    [Fact]
    public void Cursors_WholeSource_AreOpenedByTheReaderOnly() =>
        Assert.Equal(["Examples/ExampleReader.cs"], FilesWith(@"\.GetRowCursor\("));

    [Fact]
    public void ClockAndGlobalRandomSource_WholeSource_AreNotUsed() =>
        Assert.Empty(FilesWith(@"DateTime\.|Random\.Shared|new Random\(|Guid\.NewGuid|Environment\.TickCount"));

    private static (string File, string Namespace)[] Usings(string folder)
    {
        (string File, string Namespace)[] usings = Files(folder)
            .SelectMany(file => UsingLine().Matches(File.ReadAllText(file)).Select(match => (Path.GetFileName(file), match.Groups[1].Value))).ToArray();
        Assert.NotEmpty(usings);
        return usings;
    }

    private static IEnumerable<string> FilesWith(string pattern) =>
        Files("").Where(file => Regex.IsMatch(File.ReadAllText(file), pattern)).Select(file => Path.GetRelativePath(_source, file).Replace('\\', '/'));

    private static string[] Files(string folder)
    {
        string[] files = Directory.GetFiles(Path.Combine(_source, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(_source, file).StartsWith("obj", StringComparison.Ordinal)
                && !Path.GetRelativePath(_source, file).StartsWith("bin", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(files);
        return files;
    }

    [GeneratedRegex(@"^using\s+(?:static\s+)?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingLine();
}
