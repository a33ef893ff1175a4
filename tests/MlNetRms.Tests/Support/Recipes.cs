namespace MlNetRms.Tests.Support;

/// <summary>The recipes beside the samples.</summary>
internal static class Recipes
{
    /// <summary>The C# code blocks, in order.</summary>
    public static IReadOnlyList<string> CodeBlocks { get; } = Readme.CodeBlocksOf(File.ReadAllText(Path.Combine(Repository.Root, "samples", "README.md")));
}
