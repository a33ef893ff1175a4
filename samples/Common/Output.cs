using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Spectre.Console;

namespace MlNetRms.Samples;

/// <summary>A sample's words and tables.</summary>
internal static class Output
{
    /// <summary>What every terminal has; a redirected output has no width of its own.</summary>
    private const int Width = 80;

    /// <summary>Makes the console fit for tables: symbols, and no line longer than 80 columns.</summary>
    public static void Prepare()
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        AnsiConsole.Profile.Width = Console.IsOutputRedirected ? Width : Math.Min(Width, AnsiConsole.Profile.Width);
    }

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

    /// <summary>A row's name, marked: * is the best, x has failed.</summary>
    public static string Marked(string name, bool best = false, bool failed = false) =>
        best ? $"[green]* {Markup.Escape(name)}[/]" : failed ? $"[red]x {Markup.Escape(name)}[/]" : $"  {Markup.Escape(name)}";

    /// <summary>A number as text, with the point as decimal sign everywhere.</summary>
    public static string Number(double value, [StringSyntax(StringSyntaxAttribute.NumericFormat)] string format) =>
        value.ToString(format, CultureInfo.InvariantCulture);
}
