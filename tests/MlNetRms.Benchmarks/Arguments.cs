namespace MlNetRms.Benchmarks;

/// <summary>Wrong arguments; the message explains in one line.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The options of a verb.</summary>
/// <param name="Only">Text that the names must contain; empty for all.</param>
/// <param name="Quick">Whether to use small sizes.</param>
/// <param name="Output">Folder for files.</param>
internal sealed record Arguments(string Only, bool Quick, string Output)
{
    public static Arguments Parse(ReadOnlySpan<string> arguments)
    {
        var parsed = new Arguments(Only: "", Quick: false, Output: Environment.CurrentDirectory);
        for (int i = 0; i < arguments.Length; i++)
        {
            parsed = arguments[i] switch
            {
                "--quick" => parsed with { Quick = true },
                "--only" when i + 1 < arguments.Length => parsed with { Only = arguments[++i] },
                "--output" when i + 1 < arguments.Length => parsed with { Output = arguments[++i] },
                "--only" or "--output" => throw new UsageException($"'{arguments[i]}' needs a value."),
                _ => throw new UsageException($"There is no option '{arguments[i]}'. The options are --only NAME, --quick and --output DIR."),
            };
        }
        return parsed;
    }

    /// <summary>The items whose name contains <see cref="Only"/>.</summary>
    public IReadOnlyList<T> Select<T>(IEnumerable<T> items, Func<T, string> name)
    {
        T[] all = [.. items];
        T[] selected = [.. all.Where(item => name(item).Contains(Only, StringComparison.OrdinalIgnoreCase))];
        return selected.Length > 0 ? selected
            : throw new UsageException($"No name contains '{Only}'. The names are {string.Join(", ", all.Select(name))}.");
    }
}
