using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace MlNetRms.Tests.Support;

/// <summary>
/// A job whose ranks are threads of this process. Sums are added in the order of the ranks or in the reverse order. A rank that throws ends the
/// job: the others get an exception where they wait.
/// </summary>
internal sealed class ThreadCollective : ICollective
{
    /// <summary>Far longer than any of these jobs takes, so that a deadlock fails the test.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly Job _job;

    private ThreadCollective(Job job, int rank)
    {
        _job = job;
        Rank = rank;
    }

    public int Rank { get; }

    public int Size => _job.Values.Length;

    /// <summary>Calls made so far.</summary>
    public int Calls { get; private set; }

    /// <summary>Doubles reduced so far.</summary>
    public long Reduced { get; private set; }

    /// <summary>Runs a program on several ranks and returns their results; rethrows the exception of the first rank that failed.</summary>
    public static T[] Run<T>(int size, Func<ThreadCollective, T> program, bool backwards = false)
    {
        using var job = new Job(size, backwards);
        var results = new T[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() => RunRank(rank)) { IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.True(thread.Join(_patience), "Ranks wait for each other.");
        job.Failure?.Throw();
        return results;

        void RunRank(int rank)
        {
            try
            {
                results[rank] = program(new ThreadCollective(job, rank));
            }
            catch (Exception exception)
            {
                job.End(exception);
            }
        }
    }

    /// <summary>The exception of each rank, or null; a rank that throws does not end the others.</summary>
    public static Exception?[] Failures(int size, Action<ThreadCollective> program) => Run(size, collective => Record.Exception(() => program(collective)));

    /// <summary>This rank's share of the parts, as views.</summary>
    public IReadOnlyList<IDataView> Views(IReadOnlyList<Examples> parts) =>
        [.. this.ShareOf(parts).Select(part => part.Count == 0 ? Examples.View(new MLContext(1), [], parts[^1].Width) : part.View(new MLContext(1)))];

    public void AllReduceSum(Span<double> values) => Reduce(values, (sum, value) => sum + value);

    public void AllReduceMax(Span<double> values) => Reduce(values, Math.Max);

    public void Broadcast(Span<byte> bytes, int root)
    {
        byte[][] all = Exchange(bytes.ToArray());
        all[root].CopyTo(bytes);
    }

    public void Barrier() => Exchange([]);

    [DoesNotReturn]
    public void Abort(string reason) => throw new AbortedException(reason);

    private void Reduce(Span<double> values, Func<double, double, double> reduce)
    {
        Reduced += values.Length;
        byte[][] all = Exchange(MemoryMarshal.AsBytes(values).ToArray());
        for (int rank = 0; rank < all.Length; rank++)
        {
            ReadOnlySpan<double> theirs = MemoryMarshal.Cast<byte, double>(all[_job.IsBackwards ? ^(rank + 1) : rank]);
            for (int i = 0; i < values.Length; i++)
                values[i] = rank == 0 ? theirs[i] : reduce(values[i], theirs[i]);
        }
    }

    private byte[][] Exchange(byte[] mine)
    {
        Calls++;
        _job.Values[Rank] = mine;
        _job.Meet();
        byte[][] all = [.. _job.Values];
        _job.Meet();
        Assert.All(all, theirs => Assert.Equal(mine.Length, theirs.Length));
        return all;
    }

    /// <summary>The reason for which a rank ended the job.</summary>
    public sealed class AbortedException(string reason) : Exception(reason);

    private sealed class Job(int size, bool backwards) : IDisposable
    {
        private readonly Barrier _barrier = new(size);
        private readonly CancellationTokenSource _end = new();
        private ExceptionDispatchInfo? _failure;

        public byte[][] Values { get; } = new byte[size][];

        public bool IsBackwards { get; } = backwards;

        public ExceptionDispatchInfo? Failure => _failure;

        public void End(Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            _end.Cancel();
        }

        public void Meet() => _barrier.SignalAndWait(_end.Token);

        public void Dispose()
        {
            _barrier.Dispose();
            _end.Dispose();
        }
    }
}
