using System.Runtime.ExceptionServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>
/// A few threads that do the parts of one job together, again and again: a training step is too short to start tasks for.
/// </summary>
/// <remarks>
/// Idle threads claim the next part, the calling thread too, so a preempted worker delays only the part it has begun. Between two jobs a worker waits a few microseconds, giving up its time slice, and
/// then sleeps.
/// </remarks>
internal sealed class WorkerTeam : IDisposable
{
    /// <summary>About as long as the serial part of a step takes.</summary>
    private const int SpinsBeforeSleep = 60;

    private readonly Action<int> _doPart;
    private readonly int _partCount;
    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _wake = new(0);
    private int _sleeping;
    private int _job;
    private int _nextPart;
    private int _unfinished;
    private volatile bool _stop;
    private volatile Exception? _failure;

    /// <param name="threadCount">Threads including the caller's; at least 1.</param>
    /// <param name="partCount">Parts of the job, numbered from 0.</param>
    /// <param name="doPart">Does one part; called on any of the threads.</param>
    public WorkerTeam(int threadCount, int partCount, Action<int> doPart)
    {
        _doPart = doPart;
        _partCount = partCount;
        _nextPart = partCount;
        _workers = new Thread[Math.Min(threadCount, partCount) - 1];
        try
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                _workers[i] = new Thread(Work) { IsBackground = true, Name = $"{nameof(MlNetRms)} {i + 1}" };
                _workers[i].Start();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int ThreadCount => _workers.Length + 1;

    /// <summary>Workers that sleep, or are about to.</summary>
    public int SleepingCount => Volatile.Read(ref _sleeping);

    /// <summary>Does all parts and returns when they are done.</summary>
    public void Run()
    {
        if (_workers.Length == 0)
        {
            for (int part = 0; part < _partCount; part++)
                _doPart(part);
            return;
        }
        Volatile.Write(ref _unfinished, _partCount);
        Volatile.Write(ref _nextPart, 0);
        Interlocked.Increment(ref _job);
        int sleeping = Interlocked.Exchange(ref _sleeping, 0);
        if (sleeping > 0)
            _wake.Release(sleeping);
        TakeParts();
        var wait = new SpinWait();
        while (Volatile.Read(ref _unfinished) > 0)
            wait.SpinOnce(sleep1Threshold: -1);
        if (_failure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    public void Dispose()
    {
        _stop = true;
        _wake.Release(_workers.Length + 1);
        foreach (Thread worker in _workers)
        {
            // Some have not been started if starting one failed.
            if (worker is not null && !worker.ThreadState.HasFlag(ThreadState.Unstarted))
                worker.Join();
        }
        _wake.Dispose();
    }

    private void Work()
    {
        int done = 0;
        while (!_stop)
        {
            var wait = new SpinWait();
            while (Volatile.Read(ref _job) == done && !_stop)
            {
                if (wait.Count < SpinsBeforeSleep)
                    wait.SpinOnce(sleep1Threshold: -1);
                else
                    Sleep(done);
            }
            done = Volatile.Read(ref _job);
            TakeParts();
        }
    }

    /// <summary>Announces the sleep first and looks for a job again after that, so that no job is missed.</summary>
    private void Sleep(int done)
    {
        Interlocked.Increment(ref _sleeping);
        if (Volatile.Read(ref _job) == done && !_stop)
            _wake.Wait();
    }

    private void TakeParts()
    {
        while (true)
        {
            int part = Interlocked.Increment(ref _nextPart) - 1;
            if (part >= _partCount)
                return;
            try
            {
                _doPart(part);
            }
            catch (Exception exception)
            {
                _failure ??= exception;
            }
            finally
            {
                Interlocked.Decrement(ref _unfinished);
            }
        }
    }
}
