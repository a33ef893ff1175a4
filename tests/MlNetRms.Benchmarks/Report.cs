using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace MlNetRms.Benchmarks;

/// <summary>Output of the verbs: the origin of the figures, and Markdown tables.</summary>
internal static class Report
{
    public static void Header(params IEnumerable<Type> packages)
    {
        string versions = string.Join(", ",
            packages.Prepend(typeof(Microsoft.ML.MLContext)).Prepend(typeof(RmsPropRegressionTrainer)).Select(Version));
        Console.WriteLine(Invariant($"{DateTime.UtcNow:yyyy-MM-dd}; {Processor()}, {Environment.ProcessorCount} cores; ") +
            $"{RuntimeInformation.OSDescription}; {RuntimeInformation.FrameworkDescription}; {versions}; " +
            Invariant($"vectors of {Vector<byte>.Count * 8} bits"));
        Console.WriteLine();
    }

    /// <summary>Prints a Markdown table; the first <paramref name="textColumns"/> columns are text, the others are numbers.</summary>
    public static void Table(string[] columns, IReadOnlyList<string[]> rows, int textColumns = 1)
    {
        int[] widths = [.. columns.Select((column, i) => Math.Max(3, rows.Select(row => row[i].Length).Append(column.Length).Max()))];
        PrintRow(columns);
        Console.WriteLine("| " + string.Join(" | ",
            widths.Select((width, i) => i < textColumns ? new string('-', width) : new string('-', width - 1) + ":")) + " |");
        foreach (string[] row in rows)
            PrintRow(row);
        Console.WriteLine();

        void PrintRow(string[] cells) =>
            Console.WriteLine("| " + string.Join(" | ",
                cells.Select((cell, i) => i < textColumns ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))) + " |");
    }

    /// <summary>A number in three significant digits, without an exponent.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
            return value.ToString(CultureInfo.InvariantCulture);
        int decimals = value == 0 ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 6);
        return value.ToString("F" + decimals, CultureInfo.InvariantCulture);
    }

    /// <summary>Formats seconds in a suitable unit.</summary>
    public static string Time(double seconds) => seconds switch
    {
        < 1e-3 => $"{Number(seconds * 1e6)} µs",
        < 1 => $"{Number(seconds * 1e3)} ms",
        _ => $"{Number(seconds)} s",
    };

    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static string Version(Type type)
    {
        AssemblyName assembly = type.Assembly.GetName();
        string version = type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? $"{assembly.Version}";
        return $"{assembly.Name} {version.Split('+')[0]}";
    }

    private static string Processor()
    {
        const string Source = "/proc/cpuinfo";
        string? line = File.Exists(Source)
            ? File.ReadLines(Source).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?.Split(':')[1].Trim() ?? $"{RuntimeInformation.ProcessArchitecture}";
    }
}

/// <summary>Common to all timings.</summary>
internal static class Measuring
{
    /// <summary>The runtime replaces quickly compiled code by optimised code in the background, a tenth of a second after the last compilation.</summary>
    public static readonly TimeSpan WarmUpTime = TimeSpan.FromSeconds(2);
}

/// <summary>Order statistics.</summary>
internal static class Statistics
{
    public static double Median(IEnumerable<double> values) => Quantile(values, 0.5);

    /// <summary>The quantile of a share, by linear interpolation.</summary>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
