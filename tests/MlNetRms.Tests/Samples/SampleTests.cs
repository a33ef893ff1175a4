using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Samples;

/// <summary>The samples as processes: their help, and their messages about user errors.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class SampleTests : IDisposable
{
    private const int Columns = 80;

    private static readonly string[] _withRows = ["QuickStart", "BookChapter", "Tuning", "SaveAndLoad/Train"];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> All =>
        ["QuickStart", "BookChapter", "Tuning", "HousePrices", "BigData", "Mpi", "SaveAndLoad/Train", "SaveAndLoad/Score"];

    /// <summary>Samples that write files.</summary>
    public static TheoryData<string> Writers => ["QuickStart", "BookChapter", "Tuning", "HousePrices", "BigData", "Mpi", "SaveAndLoad/Train"];

    /// <summary>Samples that read a file, and valid contents.</summary>
    public static TheoryData<string, string> UselessFiles
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string content in new[] { "missing", "constant label", "constant features", "too short" })
                foreach (string sample in _withRows.Append("HousePrices"))
                    cases.Add(sample, content);
            return cases;
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Help_AnySample_IsPrintedIn80ColumnsWithTheOptions(string sample)
    {
        DotnetCommand.Outcome outcome = Run(sample, "--help");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Errors));
        Assert.Contains($"--project samples/{sample} ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(sample == "SaveAndLoad/Score" ? "--input" : "--output", outcome.Output, StringComparison.Ordinal);
        Assert.All(outcome.Output.Split('\n'), line => Assert.InRange(line.Length, 0, Columns));
        Assert.Empty(_folder.Files);
    }

    [Theory, MemberData(nameof(All))]
    public void UnknownOption_AnySample_IsOneLine(string sample) => AssertRefused(Run(sample, "--outptu", "x"), "'--outptu'");

    [Theory, MemberData(nameof(Writers))]
    public void Output_InAFile_IsOneLineThatNamesTheFolder(string sample)
    {
        File.WriteAllText(_folder.File("file"), "");
        string folder = _folder.File(Path.Combine("file", "folder"));

        AssertRefused(Run(sample, "--output", folder), $"'{folder}'");
    }

    [Theory, MemberData(nameof(UselessFiles))]
    public void Data_NothingCanBeLearnedFrom_IsOneLineThatNamesTheFile(string sample, string content)
    {
        string path = _folder.File("rows");
        if (content != "missing")
            File.WriteAllLines(path, sample == "HousePrices" ? Houses(content) : Airfoils(content));

        AssertRefused(Run(sample, "--data", path, "--output", _folder.File("output")), $"'{path}'");
    }

    [Fact]
    public void Input_WithoutModel_IsOneLineThatNamesTheFile() =>
        AssertRefused(Run("SaveAndLoad/Score", "--input", _folder.File("")), $"'{_folder.File("model.zip")}'");

    /// <summary>The shortest samples; the build server checks the output of all of them.</summary>
    [Fact]
    public void Run_ShortSamples_FitInto80ColumnsAndWriteWhereTheyAreTold()
    {
        string output = _folder.File("output");
        DotnetCommand.Outcome[] outcomes =
            [Run("BookChapter", "--output", output), Run("SaveAndLoad/Train", "--output", output), Run("SaveAndLoad/Score", "--input", output)];

        Assert.All(outcomes, outcome => Assert.Equal((0, ""), (outcome.ExitCode, outcome.Errors)));
        Assert.All(outcomes.SelectMany(outcome => outcome.Output.Split('\n')), line => Assert.InRange(line.TrimEnd().Length, 0, Columns));
        Assert.Equal(["concise.png", "model.zip", "scores.csv", "scratch.png", "trace.png"],
            Directory.GetFiles(output).Select(Path.GetFileName).Order());
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void Run_WithoutOutput_WritesBesideTheSample()
    {
        DotnetCommand.Outcome outcome = Run("SaveAndLoad/Train");

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Errors));
        Assert.Contains($"wrote {Path.Combine(Repository.Root, "samples", "SaveAndLoad", "output", "model.zip")}\n", outcome.Output,
            StringComparison.Ordinal);
        Assert.Empty(_folder.Files);
    }

    public void Dispose() => _folder.Dispose();

    private static void AssertRefused(DotnetCommand.Outcome outcome, string named)
    {
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains(named, Assert.Single(outcome.Errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Airfoils(string content) => Enumerable.Range(0, content == "too short" ? 3 : 200).Select(row =>
        FormattableString.Invariant($"{Value(row, content)}\t0.5\t0.1\t40\t0.01\t{(content == "constant label" ? 100 : 100 + row)}"));

    private static IEnumerable<string> Houses(string content) => Enumerable.Range(0, content == "too short" ? 3 : 200).Select(row =>
        FormattableString.Invariant($"{Value(row, content)},3,1980,200,5.5,North,gas,\"garage\",{(content == "constant label" ? 100 : 100 + row)}"))
        .Prepend("Area,Rooms,Year,Plot,Distance,District,Heating,Description,Price");

    private static int Value(int row, string content) => content == "constant features" ? 50 : 50 + row;

    private DotnetCommand.Outcome Run(string sample, params string[] arguments) =>
        DotnetCommand.Try(_folder.File(""), [Program(sample), .. arguments]);

    /// <summary>The newest build of the sample, in any configuration.</summary>
    private static string Program(string sample)
    {
        string folder = Path.Combine(Repository.Root, "samples", sample);
        return Directory.GetFiles(Path.Combine(folder, "bin"), $"{Path.GetFileName(sample)}.dll", SearchOption.AllDirectories)
            .MaxBy(File.GetLastWriteTimeUtc)!;
    }
}
