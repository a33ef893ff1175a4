using System.Runtime.InteropServices;
using System.Text;

namespace MlNetRms.Jobs;

/// <summary>
/// The processes of a training. If one of them fails, all of them stop: before each exchange they agree that none has failed, so that none
/// waits for ever.
/// </summary>
internal sealed class Job(ICollective collective)
{
    private const int Failed = 0;
    private const int Cancelled = 1;

    /// <summary>
    /// Whether another exchange can begin: not during an exchange, not after one that threw (nobody knows what the other processes are waiting
    /// for), and not once all processes know of a failure.
    /// </summary>
    public bool CanExchange { get; private set; } = true;

    public int Rank => collective.Rank;

    public int Size => collective.Size;

    /// <summary>Waits for all processes to call this; throws in all of them if one calls <see cref="Fail"/> instead.</summary>
    /// <exception cref="OperationCanceledException">Another process was cancelled, and none has failed.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed; the message includes that of its exception.</exception>
    public void Agree()
    {
        if (Agree(exception: null) is { } reason)
            throw reason;
    }

    /// <summary>Stops the training in all processes because of this process's exception. Does nothing if they already know of a failure.</summary>
    public void Fail(Exception exception)
    {
        if (CanExchange)
            Agree(exception);
    }

    public void Broadcast(Span<byte> bytes, int root)
    {
        Agree();
        Begin();
        collective.Broadcast(bytes, root);
        CanExchange = true;
    }

    /// <summary>Sends bytes of any length from one process to all.</summary>
    /// <param name="own">This process's bytes; ignored except in the process <paramref name="root"/>.</param>
    /// <param name="root">The process that sends.</param>
    public byte[] BroadcastAny(byte[] own, int root)
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
        CanExchange = true;
    }

    /// <summary>Whether the value is true in any process.</summary>
    public bool Any(bool own)
    {
        Span<double> any = [own ? 1 : 0];
        Max(any);
        return any[0] > 0;
    }

    /// <summary>Sums numbers over all processes. The order of the additions is not fixed, so the sums must be exact to be reproducible.</summary>
    public void SumExact(Span<double> values)
    {
        Agree();
        SumWithoutAgreement(values);
    }

    /// <summary>As <see cref="SumExact"/>, if the numbers themselves say whether a process has failed: one exchange instead of two.</summary>
    public void SumWithoutAgreement(Span<double> values)
    {
        Begin();
        collective.AllReduceSum(values);
        CanExchange = true;
    }

    /// <param name="exception">The exception of this process; null if there is none.</param>
    /// <returns>The exception to throw; null if all processes go on, or if this process is one of those that failed.</returns>
    private Exception? Agree(Exception? exception)
    {
        if (Size == 1)
            return null;
        // The number, from 1, of the last process that failed or was cancelled.
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
        CanExchange = true;
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
        if (!CanExchange)
            throw new InvalidOperationException("An exchange before this one did not complete.");
        CanExchange = false;
    }
}
