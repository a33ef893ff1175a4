using System.Text.RegularExpressions;

namespace MlNetRms.Tests.Support;

/// <summary>Parts of the project's README.</summary>
internal static partial class Readme
{
    private static readonly string _text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    /// <summary>The rows of the option table: name and default as printed.</summary>
    public static IReadOnlyDictionary<string, string> OptionDefaults { get; } =
        OptionRow().Matches(Section("### Options")).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["default"].Value);

    private static string Section(string heading)
    {
        int start = _text.IndexOf(heading + "\n", StringComparison.Ordinal) + heading.Length;
        int end = _text.IndexOf("\n#", start, StringComparison.Ordinal);
        return _text[start..end];
    }

    [GeneratedRegex(@"^\| `(?<name>\w+)` \| (?<default>[^|]+?) \|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();
}
