namespace MlNetRms.Tests.Support;

/// <summary>The folder with the solution, found from the folder of the tests.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MlNetRms.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"MlNetRms.sln is in no folder above '{AppContext.BaseDirectory}'.");
    }
}
