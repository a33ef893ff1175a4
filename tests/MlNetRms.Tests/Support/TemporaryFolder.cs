namespace MlNetRms.Tests.Support;

/// <summary>An empty folder of the test's own, removed with all that is in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("mlnetrms-").FullName;

    /// <summary>Names of the files in it.</summary>
    public string[] Files => [.. Directory.GetFiles(_path).Select(path => Path.GetFileName(path)).Order()];

    public string File(string name) => Path.Combine(_path, name);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
