using System.Reflection;

namespace MlNetRms.Samples;

/// <summary>Where the files of a sample go: into the folder "output" beside it, wherever it is started from, or where an option says.</summary>
internal static class OutputFolder
{
    /// <summary>The folder, whether it is there or not.</summary>
    public static string Named(string? folder) => Path.GetFullPath(folder ?? Path.Combine(SampleFolder(), "output"));

    /// <summary>The folder, made if it is not there.</summary>
    /// <exception cref="UsageException">Files cannot be written there, which is better known before the training than after it.</exception>
    public static string Made(string? folder)
    {
        string path = Named(folder);
        try
        {
            Directory.CreateDirectory(path);
            File.Create(Path.Combine(path, Path.GetRandomFileName()), bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
            return path;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"Folder '{path}' cannot be written to: {problem.Message}");
        }
    }

    /// <summary>Says which file was written, in one line, so that it can be copied.</summary>
    public static void Wrote(string path)
    {
        string fromHere = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        Console.WriteLine($"wrote {(fromHere.StartsWith("..", StringComparison.Ordinal) ? path : fromHere)}");
    }

    /// <summary>The build writes it into the program.</summary>
    private static string SampleFolder()
    {
        string folder = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(data => data.Key == "SampleFolder").Value!;
        return Directory.Exists(folder) ? folder
            : throw new UsageException($"The sample's folder '{folder}' is gone; --output DIR says where files go.");
    }
}
