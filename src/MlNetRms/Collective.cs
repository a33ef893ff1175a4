using System.Diagnostics.CodeAnalysis;

namespace MlNetRms;

/// <summary>
/// The processes of one job, called ranks, and their collective operations. The ranks of a job train one model together, each with its share
/// of the rows.
/// </summary>
/// <remarks>
/// Every rank makes the same calls in the same order, one at a time, with spans of the same length. Each call returns when all ranks have made
/// it. A rank that fails must call <see cref="Abort"/>, because the others would wait for it for ever. The package MlNetRms.Mpi implements
/// this interface for MPI.
/// </remarks>
public interface ICollective
{
    /// <summary>The number of this process in the job, from 0.</summary>
    int Rank { get; }

    /// <summary>Number of processes in the job; at least 1.</summary>
    int Size { get; }

    /// <summary>Replaces each value by its sum over all ranks. The order of the additions is not fixed, but all ranks get the same bits.</summary>
    /// <param name="values">This rank's values; then the sums.</param>
    void AllReduceSum(Span<double> values);

    /// <summary>Replaces each value by its maximum over all ranks. No value may be NaN.</summary>
    /// <param name="values">This rank's values; then the maxima.</param>
    void AllReduceMax(Span<double> values);

    /// <summary>Replaces the bytes by those of one rank.</summary>
    /// <param name="bytes">The bytes that <paramref name="root"/> sends and the other ranks receive.</param>
    /// <param name="root">The rank that sends.</param>
    void Broadcast(Span<byte> bytes, int root);

    /// <summary>Returns when all ranks have called it.</summary>
    void Barrier();

    /// <summary>Ends the whole job because this rank failed.</summary>
    /// <param name="reason">What failed, as a message for people.</param>
    [DoesNotReturn]
    void Abort(string reason);
}

/// <summary>A job of one process: every sum is the value itself.</summary>
public sealed class LocalCollective : ICollective
{
    private LocalCollective()
    {
    }

    /// <summary>The only instance; it has no state.</summary>
    public static LocalCollective Instance { get; } = new();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void AllReduceSum(Span<double> values)
    {
    }

    /// <inheritdoc/>
    public void AllReduceMax(Span<double> values)
    {
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes, int root) => ArgumentOutOfRangeException.ThrowIfNotEqual(root, 0);

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <summary>Throws, because a job of one process ends with that process.</summary>
    /// <param name="reason">What failed, as a message for people.</param>
    /// <exception cref="InvalidOperationException">Always.</exception>
    [DoesNotReturn]
    public void Abort(string reason) => throw new InvalidOperationException(reason);
}

/// <summary>Divides the parts of the rows among the processes of a job.</summary>
public static class CollectiveExtensions
{
    /// <summary>This process's share of a list of parts, such as files: a run of consecutive parts, nearly as many for each process.</summary>
    /// <typeparam name="T">What a part is.</typeparam>
    /// <param name="collective">The processes.</param>
    /// <param name="parts">All parts, in the same order in every process. A training needs at least as many as there are processes.</param>
    /// <returns>The parts of this process. In the order of the ranks, the shares add up to the list, so <c>FitParts</c>
    /// returns the same model for any number of processes.</returns>
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
