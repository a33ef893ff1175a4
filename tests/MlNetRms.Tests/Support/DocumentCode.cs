using System.Text.RegularExpressions;

namespace MlNetRms.Tests.Support;

/// <summary>The C# code in a document of the project.</summary>
internal static partial class DocumentCode
{
    /// <summary>The code blocks of the document, in order, as one program.</summary>
    /// <param name="document">The document's path in the repository.</param>
    public static string ProgramOf(string document) =>
        string.Join('\n', Block().Matches(File.ReadAllText(Path.Combine(Repository.Root, document))).Select(match => match.Groups["code"].Value));

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
