namespace MlNetRms;

/// <summary>Divides the parts of the rows among the processes of a job.</summary>
public static class CollectiveExtensions
{
    /// <summary>This process's share of some parts, such as files: those that follow each other, nearly as many for each process.</summary>
    /// <typeparam name="T">What a part is.</typeparam>
    /// <param name="collective">The processes.</param>
    /// <param name="parts">All parts, in the same order in every process. A training needs at least as many as there are processes.</param>
    /// <returns>The parts of this process. In the order of the ranks the shares make the parts again, so that <c>FitParts</c>
    /// gives the same model for any number of processes.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IReadOnlyList<T> ShareOf<T>(this ICollective collective, IReadOnlyList<T> parts)
    {
        ArgumentNullException.ThrowIfNull(collective);
        ArgumentNullException.ThrowIfNull(parts);
        long first = (long)parts.Count * collective.Rank / collective.Size;
        long end = (long)parts.Count * (collective.Rank + 1) / collective.Size;
        return [.. parts.Skip((int)first).Take((int)(end - first))];
    }
}
