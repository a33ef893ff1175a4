using System.Globalization;
using System.Text.RegularExpressions;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Conventions;

/// <summary>The files of the project: nothing but text and small pictures, and no long lines of code.</summary>
public sealed partial class TreeTests
{
    private const long MostPictureBytes = 100_000;
    private const long MostFontBytes = 100_000;

    /// <summary>What building, testing and running leave behind.</summary>
    private static readonly string[] _generatedFolders = ["bin", "obj", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts", "output"];

    [Fact]
    public void Files_ThatAreNotText_AreSmallPicturesAndTheSamplesFont()
    {
        FileInfo[] files = [.. Files(new DirectoryInfo(Repository.Root))];

        Assert.Contains(files, file => file.Name == "README.md");
        Assert.All(files.Where(IsBinary), file => Assert.True(
            (IsPicture(file) && file.Length <= MostPictureBytes) || (file.Name == "DejaVuSubset.ttf" && file.Length <= MostFontBytes),
            $"{file.FullName} ({file.Length} bytes) is neither text nor a small picture."));
    }

    [Fact]
    public void LinesOfCode_AreNoLongerThanTheEditorIsTold()
    {
        string root = Repository.Root;
        int most = int.Parse(MaxLineLength().Match(File.ReadAllText(Path.Combine(root, ".editorconfig"))).Groups[1].Value,
            CultureInfo.InvariantCulture);

        Assert.Empty(
            from file in Files(new DirectoryInfo(root))
            where file.Extension == ".cs"
            from line in File.ReadLines(file.FullName).Index()
            where line.Item.Length > most
            select $"{file.FullName}:{line.Index + 1} has {line.Item.Length} columns");
    }

    private static IEnumerable<FileInfo> Files(DirectoryInfo folder)
    {
        foreach (FileInfo file in folder.EnumerateFiles())
            yield return file;
        foreach (DirectoryInfo inner in folder.EnumerateDirectories())
        {
            // The project has two hidden folders.
            if (_generatedFolders.Contains(inner.Name) || (inner.Name.StartsWith('.') && inner.Name is not (".ci" or ".github")))
                continue;
            foreach (FileInfo file in Files(inner))
                yield return file;
        }
    }

    [GeneratedRegex(@"^max_line_length = (\d+)$", RegexOptions.Multiline)]
    private static partial Regex MaxLineLength();

    /// <summary>No text has the byte 0.</summary>
    private static bool IsBinary(FileInfo file) => File.ReadAllBytes(file.FullName).Contains((byte)0);

    private static bool IsPicture(FileInfo file) =>
        file.Extension == ".png" && File.ReadAllBytes(file.FullName).AsSpan().StartsWith((byte[])[0x89, (byte)'P', (byte)'N', (byte)'G']);
}
