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
        DotnetCommand.Run(NewProject("readme", code), "build");
    }

    [MpiFact]
    public void Package_InANewProject_RunsAJobOfOne()
    {
        string project = NewProject("job", """MlNetRms.Mpi.MpiJob.Run(job => Console.WriteLine($"rank {job.Rank} of {job.Size}"));""");

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

    private string NewProject(string name, string code)
    {
        string project = Path.Combine(_packed.Folder, name);
        Directory.CreateDirectory(project);
        File.WriteAllText(Path.Combine(project, $"{name}.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <RestoreAdditionalProjectSources>{_packed.Folder}</RestoreAdditionalProjectSources>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="MlNetRms.Mpi" Version="{_packed.Version}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(project, "Program.cs"), code);
        return project;
    }

    /// <summary>The packages, under a version of their own so that no cache can answer for them.</summary>
    public sealed class Packed : IDisposable
    {
        public Packed()
        {
            foreach (string project in new[] { "MlNetRms", "MlNetRms.Mpi" })
            {
                DotnetCommand.Run(Repository.Root, "pack", $"src/{project}", "-c", "Release", "--artifacts-path", Path.Combine(Folder, "artifacts"),
                    "-o", Folder, $"-p:Version={Version}");
            }
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("MlNetRms.Mpi.Package.").FullName;

        public string Version { get; } = $"0.0.0-test.{Guid.NewGuid():n}";

        public string PathOf(string extension) => Path.Combine(Folder, $"MlNetRms.Mpi.{Version}.{extension}");

        public void Dispose()
        {
            Directory.Delete(Folder, recursive: true);
            string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            foreach (string id in new[] { "mlnetrms", "mlnetrms.mpi" })
            {
                string cached = Path.Combine(packages, id, Version);
                if (Directory.Exists(cached))
                    Directory.Delete(cached, recursive: true);
            }
        }
    }
}
