using System.Runtime.InteropServices;
using System.Text;
using MlNetRms.Host;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Jobs;

/// <summary>
/// The processes of a training. What ends the training in one of them ends it in all: before they exchange anything they agree that none has
/// failed, so that none waits for another for ever.
/// </summary>
internal sealed class Job(ICollective collective)
{
    private const int Failed = 0;
    private const int Cancelled = 1;

    /// <summary>Whether nothing can be exchanged any more: all know of a failure, or an exchange itself has failed.</summary>
    public bool HasEnded { get; private set; }

    public int Rank => collective.Rank;

    public int Size => collective.Size;

    /// <summary>Returns when all processes have come so far; throws in all if one of them has called <see cref="Fail"/> instead.</summary>
    /// <exception cref="OperationCanceledException">Another process was cancelled, and none has failed.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed; the message has that of its exception.</exception>
    public void Agree()
    {
        if (Agree(exception: null) is { } reason)
            throw reason;
    }

    /// <summary>
    /// Ends the training in all processes because of what this one has met. Each does so once; where all know already, nothing happens.
    /// </summary>
    public void Fail(Exception exception)
    {
        if (!HasEnded)
            Agree(exception);
    }

    public void Broadcast(Span<byte> bytes, int root)
    {
        Agree();
        Begin();
        collective.Broadcast(bytes, root);
        HasEnded = false;
    }

    /// <summary>Gives all processes what one of them has, of any length.</summary>
    /// <param name="own">What this process has; used in the process <paramref name="root"/> only.</param>
    /// <param name="root">The process that has it.</param>
    public byte[] Share(byte[] own, int root)
    {
        Span<int> length = [own.Length];
        Broadcast(MemoryMarshal.AsBytes(length), root);
        byte[] bytes = Rank == root ? own : new byte[length[0]];
        Broadcast(bytes, root);
        return bytes;
    }

    public void Max(Span<double> values)
    {
        Agree();
        Begin();
        collective.AllReduceMax(values);
        HasEnded = false;
    }

    /// <summary>Whether any process says so.</summary>
    public bool Any(bool own)
    {
        Span<double> any = [own ? 1 : 0];
        Max(any);
        return any[0] > 0;
    }

    /// <summary>Adds numbers of all processes, the bits of which depend on the order of the additions unless they are exact.</summary>
    public void SumExact(Span<double> values)
    {
        Agree();
        SumWithoutAgreement(values);
    }

    /// <summary>The same where the numbers themselves say whether a process has failed; one exchange instead of two.</summary>
    public void SumWithoutAgreement(Span<double> values)
    {
        Begin();
        collective.AllReduceSum(values);
        HasEnded = false;
    }

    /// <param name="exception">What has happened in this process; null for nothing.</param>
    /// <returns>Why all end, for those processes that are not the reason; null where they do not end, or this process is one of the
    /// reasons.</returns>
    private Exception? Agree(Exception? exception)
    {
        if (Size == 1)
            return null;
        // The number of the last process that says so, from 1.
        Span<double> last = [0, 0];
        if (exception is not null)
            last[exception is OperationCanceledException ? Cancelled : Failed] = Rank + 1;
        Begin();
        collective.AllReduceMax(last);
        bool hasFailed = last[Failed] > 0;
        if (hasFailed || last[Cancelled] > 0)
        {
            int rank = (int)last[hasFailed ? Failed : Cancelled] - 1;
            string message = MessageOf(rank, exception);
            if (exception is not null)
                return null;
            return hasFailed
                ? new InvalidOperationException($"Rank {rank} of {Size} has failed: {message}")
                : new OperationCanceledException($"Rank {rank} of {Size} was cancelled: {message}");
        }
        HasEnded = false;
        return null;
    }

    private string MessageOf(int rank, Exception? own)
    {
        byte[] bytes = rank == Rank ? Encoding.UTF8.GetBytes(own!.Message) : [];
        Span<int> length = [bytes.Length];
        collective.Broadcast(MemoryMarshal.AsBytes(length), rank);
        if (rank != Rank)
            bytes = new byte[length[0]];
        collective.Broadcast(bytes, rank);
        return Encoding.UTF8.GetString(bytes);
    }

    private void Begin()
    {
        ObjectDisposedException.ThrowIf(HasEnded, this);
        // Until the exchange has come to its end: after one that throws nobody knows what the others wait for.
        HasEnded = true;
    }
}
