using System.IO.Compression;
using System.Xml.Linq;
using MlNetRms.Mpi.Tests.Support;
using MlNetRms.Tests.Support;

namespace MlNetRms.Mpi.Tests;

/// <summary>Packs both libraries, installs the packages into a new project, and builds and runs the code of the package's README there.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class PackageTests : IClassFixture<PackageTests.Packed>
{
    private readonly Packed _packed;

    public PackageTests(Packed packed) => _packed = packed;

    [Fact]
    public void Package_InANewProject_BuildsTheCodeOfItsReadme()
    {
        string code = DocumentCode.ProgramOf("src/MlNetRms.Mpi/README.md");

        Assert.Contains("MpiJob.Run", code, StringComparison.Ordinal);
        DotnetCommand.Run(_packed.NewProject("readme", code), "build");
    }

    [MpiFact]
    public void Package_InANewProject_RunsAJobOfOne()
    {
        string project = _packed.NewProject("job", """MlNetRms.Mpi.MpiJob.Run(job => Console.WriteLine($"rank {job.Rank} of {job.Size}"));""");

        Assert.Contains("rank 0 of 1", DotnetCommand.Run(project, "run"), StringComparison.Ordinal);
    }

    [Fact]
    public void Package_Holds_ReadmeIconDocumentationAndLicense()
    {
        using ZipArchive package = ZipFile.OpenRead(_packed.PathOf("nupkg"));
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];

        Assert.All(["README.md", "icon.png", "lib/net10.0/MlNetRms.Mpi.dll", "lib/net10.0/MlNetRms.Mpi.xml"], file => Assert.Contains(file, files));
        Assert.DoesNotContain("lib/net10.0/MlNetRms.dll", files);
        using Stream stream = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
        Assert.Equal("MIT", metadata.Elements().Single(element => element.Name.LocalName == "license").Value);
        Assert.Equal([("MlNetRms", _packed.Version)], metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
            .Select(element => (element.Attribute("id")?.Value, element.Attribute("version")?.Value)));
    }

    [Fact]
    public void SymbolPackage_Holds_TheSymbols()
    {
        using ZipArchive symbols = ZipFile.OpenRead(_packed.PathOf("snupkg"));

        Assert.Contains("lib/net10.0/MlNetRms.Mpi.pdb", symbols.Entries.Select(entry => entry.FullName));
    }

    public sealed class Packed() : Packages("MlNetRms", "MlNetRms.Mpi");
}
