using System.Globalization;
using System.IO.Compression;

namespace MlNetRms.Tests.Support;

/// <summary>A fact that needs the real data sets; skipped with the reason if they are missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute() => Skip = RealData.ReasonForAbsence;
}

/// <inheritdoc cref="DataFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DataTheoryAttribute : TheoryAttribute
{
    public DataTheoryAttribute() => Skip = RealData.ReasonForAbsence;
}

/// <summary>The real data sets, in the folder named by MLNETRMS_DATA, or else in ../shared/data next to the project's root.</summary>
internal static class RealData
{
    private const string Variable = "MLNETRMS_DATA";
    private const string Airfoil = "airfoil_self_noise.dat";

    public static string Folder { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder
        ? folder
        : Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "data"));

    public static string? ReasonForAbsence { get; } = File.Exists(Path.Combine(Folder, Airfoil))
        ? null
        : $"The real data sets are not in '{Folder}'; the environment variable {Variable} can name another folder.";

    public static IEnumerable<string> Names { get; } =
        ["airfoil", "autompg", "bike", "concrete", "energy", "forest", "housing", "stock", "wine", "yacht"];

    public static Examples Read(string name)
    {
        using StreamReader reader = name == "airfoil"
            ? new StreamReader(Path.Combine(Folder, Airfoil))
            : new StreamReader(new GZipStream(File.OpenRead(Path.Combine(Folder, name + ".csv.gz")), CompressionMode.Decompress));
        char separator = name == "airfoil" ? '\t' : ',';
        float[][] values = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(separator).Select(cell => float.Parse(cell, CultureInfo.InvariantCulture)).ToArray())
            .ToArray();
        return new Examples(values.Select(row => row[..^1]).ToArray(), values.Select(row => row[^1]).ToArray());
    }
}
