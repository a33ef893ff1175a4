using System.IO.Compression;
using System.Xml.Linq;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Package;

/// <summary>Packs the library, installs the package into a new project, and runs the README's code there, word for word.</summary>
public sealed class PackageTests : IClassFixture<PackageTests.PackedLibrary>
{
    private readonly PackedLibrary _library;

    public PackageTests(PackedLibrary library) => _library = library;

    [Fact]
    public void Package_InANewProject_RunsTheReadmesCode()
    {
        string project = Path.Combine(_library.Folder, "readme");
        Directory.CreateDirectory(project);
        File.WriteAllText(Path.Combine(project, "readme.csproj"), ProjectFile(_library));
        File.WriteAllText(Path.Combine(project, "Program.cs"), Readme.CodeBlocks[0]);
        for (int block = 1; block < Readme.CodeBlocks.Count; block++)
            File.WriteAllText(Path.Combine(project, $"Block{block}.cs"), BlockFile(block));
        for (int recipe = 0; recipe < Recipes.CodeBlocks.Count; recipe++)
            File.WriteAllText(Path.Combine(project, $"Recipe{recipe}.cs"), RecipeFile(recipe));

        string output = DotnetCommand.Run(project, "run");

        Assert.True(Recipes.CodeBlocks.Count > 3, "The recipes are fewer than they were.");
        Assert.True(Readme.CodeBlocks.Count > 1, "The README has fewer code blocks than it had.");
        Assert.Contains("Area", output, StringComparison.Ordinal);
        Assert.Contains("test RMSE", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(project, "model.zip")));
    }

    [Fact]
    public void Package_InANewProject_RunsTheExamplesOfTheDocumentation()
    {
        Assert.Equal(["M:PermutationFeatureImportance", "M:RmsProp", "T:Options", "T:RmsPropRegressionTrainer"], DocumentationExamples.All.Keys.Order());
        foreach ((string member, string code) in DocumentationExamples.All)
        {
            string project = Path.Combine(_library.Folder, member[2..]);
            Directory.CreateDirectory(project);
            File.WriteAllText(Path.Combine(project, "example.csproj"), ProjectFile(_library));
            File.WriteAllText(Path.Combine(project, "Program.cs"), code);

            Assert.NotEmpty(DotnetCommand.Run(project, "run").Trim());
        }
    }

    [Fact]
    public void Package_Holds_ReadmeIconDocumentationAndLicense()
    {
        using ZipArchive package = ZipFile.OpenRead(_library.PackagePath);
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];

        Assert.Contains("README.md", files);
        Assert.Contains("icon.png", files);
        Assert.Contains("lib/net10.0/MlNetRms.dll", files);
        Assert.Contains("lib/net10.0/MlNetRms.xml", files);
        XElement metadata = Metadata(package);
        Assert.StartsWith("# Changes", metadata.Elements().Single(element => element.Name.LocalName == "releaseNotes").Value, StringComparison.Ordinal);
        Assert.Equal("MIT", metadata.Elements().Single(element => element.Name.LocalName == "license").Value);
        Assert.Equal([("MathNet.Numerics", "5.0.0"), ("Microsoft.ML", "[5.0.1, 6.0.0)")],
            metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
                .Select(element => (element.Attribute("id")?.Value, element.Attribute("version")?.Value)).Order());
    }

    [Fact]
    public void SymbolPackage_Holds_TheSymbols()
    {
        using ZipArchive symbols = ZipFile.OpenRead(Path.ChangeExtension(_library.PackagePath, ".snupkg"));

        Assert.Contains("lib/net10.0/MlNetRms.pdb", symbols.Entries.Select(entry => entry.FullName));
    }

    private static string ProjectFile(PackedLibrary library) => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            <RestoreAdditionalProjectSources>{library.Folder}</RestoreAdditionalProjectSources>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="MlNetRms" Version="{library.Version}" />
            <PackageReference Include="Microsoft.Extensions.Logging.Abstractions" Version="10.0.0" />
          </ItemGroup>
        </Project>
        """;

    /// <summary>A later block of the README, with what it takes from the text around it.</summary>
    private static string BlockFile(int block) => $$"""
        using Microsoft.ML;
        using Microsoft.ML.Data;
        using Microsoft.ML.Trainers;
        using MlNetRms;

        internal static class Block{{block}}
        {
            public static void Run(MLContext ml, IDataView train, IDataView test, CancellationTokenSource cancellation,
                TransformerChain<RmsPropRegressionTransformer> model)
            {
        {{Readme.CodeBlocks[block]}}
            }
        }
        """;

    /// <summary>A recipe, with what it takes from the text around it.</summary>
    private static string RecipeFile(int recipe) => $$"""
        using System.Text.Json;
        using Microsoft.Extensions.Logging;
        using Microsoft.ML;
        using MlNetRms;

        internal static class Recipe{{recipe}}
        {
            public static void Run(RmsPropRegressionTrainer.Options options, ILogger logger, StreamWriter writer)
            {
        {{Recipes.CodeBlocks[recipe]}}
            }
        }
        """;

    private static XElement Metadata(ZipArchive package)
    {
        using Stream stream = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    /// <summary>The package, under a version of its own so that no cache can answer for it.</summary>
    public sealed class PackedLibrary : IDisposable
    {
        public PackedLibrary() =>
            DotnetCommand.Run(Repository.Root, "pack", "src/MlNetRms", "-c", "Release", "--artifacts-path", Path.Combine(Folder, "artifacts"),
                "-o", Folder, $"-p:Version={Version}");

        public string Folder { get; } = Directory.CreateTempSubdirectory("MlNetRms.Package.").FullName;

        public string Version { get; } = $"0.0.0-test.{Guid.NewGuid():n}";

        public string PackagePath => Path.Combine(Folder, $"MlNetRms.{Version}.nupkg");

        public void Dispose()
        {
            Directory.Delete(Folder, recursive: true);
            string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            string cached = Path.Combine(packages, "mlnetrms", Version);
            if (Directory.Exists(cached))
                Directory.Delete(cached, recursive: true);
        }
    }
}
