using System.Diagnostics.CodeAnalysis;

namespace MlNetRms;

/// <summary>
/// The processes of one job, called ranks, and what they do together. A training over a job of several ranks is one training whose rows are
/// divided among them.
/// </summary>
/// <remarks>
/// Every rank makes the same calls in the same order, one at a time and with spans of the same length; each call returns when all ranks
/// have made it. A rank that fails must call <see cref="Abort"/>, because the others would wait for it for ever. The package MlNetRms.Mpi
/// has the implementation for MPI.
/// </remarks>
public interface ICollective
{
    /// <summary>The number of this process in the job, from 0.</summary>
    int Rank { get; }

    /// <summary>Processes in the job; at least 1.</summary>
    int Size { get; }

    /// <summary>Replaces each value by its sum over all ranks. The order of the additions is not fixed, but all ranks get the same bits.</summary>
    /// <param name="values">This rank's values; then the sums.</param>
    void AllReduceSum(Span<double> values);

    /// <summary>Replaces each value by its maximum over all ranks. No value may be NaN.</summary>
    /// <param name="values">This rank's values; then the maxima.</param>
    void AllReduceMax(Span<double> values);

    /// <summary>Replaces the bytes by those of one rank.</summary>
    /// <param name="bytes">What <paramref name="root"/> sends; what the other ranks receive.</param>
    /// <param name="root">The rank that sends.</param>
    void Broadcast(Span<byte> bytes, int root);

    /// <summary>Returns when all ranks have called it.</summary>
    void Barrier();

    /// <summary>Ends the whole job because this rank failed.</summary>
    /// <param name="reason">What failed, for people.</param>
    [DoesNotReturn]
    void Abort(string reason);
}
