using System.IO.Compression;
using System.Xml.Linq;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Package;

/// <summary>Packs the library, installs the package into new projects, and runs the documents' code there, unchanged.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class PackageTests : IClassFixture<PackageTests.PackedLibrary>
{
    private readonly PackedLibrary _library;

    public PackageTests(PackedLibrary library) => _library = library;

    [Theory]
    [InlineData("README.md", "Area", "Trained on")]
    [InlineData("src/MlNetRms/PACKAGE.md", "Area", "Trained on")]
    [InlineData("samples/README.md", "District.Old Town", "RMSE with text", "weights are exactly 0", "-0.0106, 0.0000")]
    public void Package_InANewProject_RunsTheCodeOfADocument_AsOneProgram(string document, params string[] printed)
    {
        string project = NewProject(document.Replace('/', '-'), DocumentCode.ProgramOf(document));
        File.Copy(Path.Combine(Repository.Root, "samples", "HousePrices", "houses.csv"), Path.Combine(project, "houses.csv"));

        string output = DotnetCommand.Run(project, "run");

        Assert.All(printed, text => Assert.Contains(text, output, StringComparison.Ordinal));
    }

    [Fact]
    public void Package_InANewProject_RunsTheExamplesOfTheDocumentation()
    {
        Assert.Equal(["M:PermutationFeatureImportance", "M:RmsProp", "T:Options", "T:RmsPropRegressionTrainer"],
            DocumentationExamples.All.Keys.Order());
        foreach ((string member, string code) in DocumentationExamples.All)
        {
            string project = NewProject(member[2..], code);

            Assert.NotEmpty(DotnetCommand.Run(project, "run").Trim());
        }
    }

    [Fact]
    public void Package_Holds_ReadmeIconDocumentationAndLicense()
    {
        using ZipArchive package = ZipFile.OpenRead(_library.PathOf("nupkg"));
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];

        Assert.Contains("PACKAGE.md", files);
        Assert.Contains("icon.png", files);
        Assert.Contains("lib/net10.0/MlNetRms.dll", files);
        Assert.Contains("lib/net10.0/MlNetRms.xml", files);
        XElement metadata = Metadata(package);
        Assert.StartsWith("# Changes", metadata.Elements().Single(element => element.Name.LocalName == "releaseNotes").Value,
            StringComparison.Ordinal);
        Assert.Equal("MIT", metadata.Elements().Single(element => element.Name.LocalName == "license").Value);
        Assert.Equal([("MathNet.Numerics", "5.0.0"), ("Microsoft.ML", "[5.0.1, 6.0.0)")],
            metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
                .Select(element => (element.Attribute("id")?.Value, element.Attribute("version")?.Value)).Order());
    }

    [Fact]
    public void SymbolPackage_Holds_TheSymbols()
    {
        using ZipArchive symbols = ZipFile.OpenRead(_library.PathOf("snupkg"));

        Assert.Contains("lib/net10.0/MlNetRms.pdb", symbols.Entries.Select(entry => entry.FullName));
    }

    private string NewProject(string name, string program) =>
        _library.NewProject(name, program, ("Microsoft.ML.OnnxConverter", "0.23.1"), ("Microsoft.Extensions.Logging.Abstractions", "10.0.0"));

    private static XElement Metadata(ZipArchive package)
    {
        using Stream stream = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    public sealed class PackedLibrary() : Packages("MlNetRms");
}
