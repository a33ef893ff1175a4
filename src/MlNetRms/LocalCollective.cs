using System.Diagnostics.CodeAnalysis;

namespace MlNetRms;

/// <summary>A job of one process: every sum is the value itself.</summary>
public sealed class LocalCollective : ICollective
{
    private LocalCollective()
    {
    }

    /// <summary>The one object; it has no state.</summary>
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

    /// <summary>Throws: a job of one ends as its process does.</summary>
    /// <param name="reason">What failed, for people.</param>
    /// <exception cref="InvalidOperationException">Always.</exception>
    [DoesNotReturn]
    public void Abort(string reason) => throw new InvalidOperationException(reason);
}
