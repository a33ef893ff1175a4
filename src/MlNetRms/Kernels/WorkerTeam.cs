using System.Runtime.ExceptionServices;

namespace MlNetRms.Kernels;

/// <summary>
/// A few threads that share the tasks of a run, for many runs. A training step is too short for the thread pool.
/// </summary>
/// <remarks>
/// Idle threads claim the next task, the calling thread too, so a preempted worker delays only the task it has begun. Between two runs a worker
/// waits a few microseconds, yielding its time slice, and then sleeps.
/// </remarks>
internal sealed class WorkerTeam : IDisposable
{
    /// <summary>About as long as the serial section of a step takes.</summary>
    private const int SpinsBeforeSleep = 60;

    private readonly Action<int> _doTask;
    private readonly int _taskCount;
    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _wake = new(0);
    private int _sleeping;
    private int _run;
    private int _nextTask;
    private int _unfinished;
    private volatile bool _stop;
    private Exception? _failure;

    /// <param name="threadCount">Threads including the caller's; at least 1.</param>
    /// <param name="taskCount">Tasks of a run, numbered from 0.</param>
    /// <param name="doTask">Does one task; called on any of the threads.</param>
    public WorkerTeam(int threadCount, int taskCount, Action<int> doTask)
    {
        _doTask = doTask;
        _taskCount = taskCount;
        _nextTask = taskCount;
        _workers = new Thread[Math.Min(threadCount, taskCount) - 1];
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

    /// <summary>Workers that sleep or are about to.</summary>
    public int SleepingCount => Volatile.Read(ref _sleeping);

    /// <summary>Does all tasks and returns when they are done.</summary>
    public void Run()
    {
        if (_workers.Length == 0)
        {
            for (int task = 0; task < _taskCount; task++)
                _doTask(task);
            return;
        }
        _failure = null;
        Volatile.Write(ref _unfinished, _taskCount);
        Volatile.Write(ref _nextTask, 0);
        Interlocked.Increment(ref _run);
        int sleeping = Interlocked.Exchange(ref _sleeping, 0);
        if (sleeping > 0)
            _wake.Release(sleeping);
        TakeTasks();
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
            // If starting one failed, those after it have not been started.
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
            while (Volatile.Read(ref _run) == done && !_stop)
            {
                if (wait.Count < SpinsBeforeSleep)
                    wait.SpinOnce(sleep1Threshold: -1);
                else
                    Sleep(done);
            }
            done = Volatile.Read(ref _run);
            TakeTasks();
        }
    }

    /// <summary>Announces the sleep before it checks for a run once more, so that no run is missed.</summary>
    private void Sleep(int done)
    {
        Interlocked.Increment(ref _sleeping);
        if (Volatile.Read(ref _run) == done && !_stop)
            _wake.Wait();
    }

    private void TakeTasks()
    {
        while (true)
        {
            int task = Interlocked.Increment(ref _nextTask) - 1;
            if (task >= _taskCount)
                return;
            try
            {
                _doTask(task);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _failure, exception, comparand: null);
            }
            finally
            {
                Interlocked.Decrement(ref _unfinished);
            }
        }
    }
}
