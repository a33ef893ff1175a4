using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Spectre.Console;

namespace MlNetRms.Samples;

/// <summary>Where a sample's words and files go.</summary>
internal static class Output
{
    /// <summary>Room for the widest table; a redirected output has no width of its own.</summary>
    private const int RedirectedWidth = 100;

    /// <summary>Makes the console fit for tables: symbols, and a fixed width if it is a file.</summary>
    public static void Prepare()
    {
        Console.OutputEncoding = Encoding.UTF8;
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = RedirectedWidth;
    }

    /// <summary>The folder of --output, made if it is not there, or the current one.</summary>
    public static string Folder(CommandLine commandLine) =>
        Directory.CreateDirectory(commandLine["--output"] ?? Directory.GetCurrentDirectory()).FullName;

    /// <summary>A line of plain text, wrapped at words.</summary>
    public static void Line(string text = "") => AnsiConsole.WriteLine(text);

    /// <summary>A heading with a line across.</summary>
    public static void Heading(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.Write(new Rule(Markup.Escape(text)) { Justification = Justify.Left });
    }

    /// <summary>A table without rows: columns of words on the left, columns of numbers on the right.</summary>
    public static Table NewTable(string[] words, string[] numbers)
    {
        var table = new Table { Border = TableBorder.Simple };
        // Narrow gaps: the widest table must fit into 80 columns.
        foreach (string word in words)
            table.AddColumn(new TableColumn(word).NoWrap().PadLeft(0).PadRight(1));
        foreach (string number in numbers)
            table.AddColumn(new TableColumn(number).RightAligned().NoWrap().PadLeft(0).PadRight(1));
        return table;
    }

    /// <summary>A number as text, with the point as decimal sign everywhere.</summary>
    public static string Number(double value, [StringSyntax(StringSyntaxAttribute.NumericFormat)] string format) =>
        value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Says which file was written, as seen from the current directory.</summary>
    public static void Wrote(string path) => AnsiConsole.WriteLine($"wrote {Path.GetRelativePath(Directory.GetCurrentDirectory(), path)}");
}
