namespace MlNetRms.Tests.Support;

/// <summary>Packs projects of the library under a version that is in no cache, and creates projects that reference one of them.</summary>
public abstract class Packages : IDisposable
{
    private readonly string[] _ids;

    /// <param name="ids">The packages, each after its dependencies. New projects reference the last one.</param>
    protected Packages(params string[] ids)
    {
        _ids = ids;
        foreach (string id in ids)
        {
            DotnetCommand.Run(Repository.Root, "pack", $"src/{id}", "-c", "Release", "--artifacts-path", Path.Combine(Folder, "artifacts"),
                "-o", Folder, $"-p:Version={Version}");
        }
    }

    /// <summary>The folder of the packages and of new projects.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("MlNetRms.Package.").FullName;

    public string Version { get; } = $"0.0.0-test.{Guid.NewGuid():n}";

    /// <summary>The file of the last package.</summary>
    /// <param name="extension">"nupkg" or "snupkg".</param>
    public string PathOf(string extension) => Path.Combine(Folder, $"{_ids[^1]}.{Version}.{extension}");

    /// <summary>Writes a console project that references the last package.</summary>
    /// <param name="name">Name of its folder.</param>
    /// <param name="program">Its code.</param>
    /// <param name="others">Other packages that it needs.</param>
    /// <returns>The project's path.</returns>
    public string NewProject(string name, string program, params (string Id, string Version)[] others)
    {
        string project = Path.Combine(Folder, name);
        Directory.CreateDirectory(project);
        IEnumerable<string> references = others.Prepend((_ids[^1], Version))
            .Select(package => $"""<PackageReference Include="{package.Item1}" Version="{package.Item2}" />""");
        File.WriteAllText(Path.Combine(project, "new.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <RestoreAdditionalProjectSources>{Folder}</RestoreAdditionalProjectSources>
              </PropertyGroup>
              <ItemGroup>{string.Concat(references)}</ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(project, "Program.cs"), program);
        return project;
    }

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (string cached in _ids.Select(id => Path.Combine(cache, id.ToLowerInvariant(), Version)).Where(Directory.Exists))
            Directory.Delete(cached, recursive: true);
        GC.SuppressFinalize(this);
    }
}
