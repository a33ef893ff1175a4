using System.Text.RegularExpressions;

namespace MlNetRms.Tests.Support;

/// <summary>The project's README, in parts.</summary>
internal static partial class Readme
{
    public static string Text { get; } = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    /// <summary>The C# code blocks, in order.</summary>
    public static IReadOnlyList<string> CodeBlocks { get; } = CodeBlocksOf(Text);

    /// <summary>The rows of the option table: name and default as printed.</summary>
    public static IReadOnlyDictionary<string, string> OptionDefaults { get; } =
        OptionRow().Matches(Section("### Options")).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["default"].Value);

    public static IReadOnlyList<string> CodeBlocksOf(string text) => [.. CodeBlock().Matches(text).Select(match => match.Groups["code"].Value)];

    private static string Section(string heading)
    {
        int start = Text.IndexOf(heading + "\n", StringComparison.Ordinal) + heading.Length;
        int end = Text.IndexOf("\n#", start, StringComparison.Ordinal);
        return Text[start..end];
    }

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^\| `(?<name>\w+)` \| (?<default>[^|]+?) \|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();
}
