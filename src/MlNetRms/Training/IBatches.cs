using MlNetRms.Objective;

namespace MlNetRms.Training;

/// <summary>The mini-batches of an epoch, and what each adds up to over all processes.</summary>
internal interface IBatches : IDisposable
{
    /// <summary>Batches, that is steps, in an epoch.</summary>
    int Count { get; }

    int NumberOfThreads { get; }

    /// <summary>Sets the order of an epoch, counted from 0.</summary>
    void Begin(int epoch);

    /// <summary>Adds up the batch at a position of the epoch, at the current parameters.</summary>
    /// <returns>The sums; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Cancelled, here or in another process.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed.</exception>
    BatchSum Compute(int position);

    /// <summary>Lets the other processes know in their next <see cref="Compute"/> that this one computes no further batch.</summary>
    void Leave();
}
