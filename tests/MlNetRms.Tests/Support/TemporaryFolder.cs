namespace MlNetRms.Tests.Support;

/// <summary>A temporary folder for one test, deleted with its contents.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("mlnetrms-").FullName;

    /// <summary>Names of its files.</summary>
    public string[] Files => [.. Directory.GetFiles(_path).Select(path => Path.GetFileName(path)).Order()];

    public string File(string name) => Path.Combine(_path, name);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
