using System.Runtime.ExceptionServices;

namespace MlNetRms.Kernels;

/// <summary>
/// Lets the calling thread fill one item while another thread processes the earlier ones, in their order. The first items are processed by the
/// caller, because starting a thread takes longer.
/// </summary>
/// <remarks>
/// A waiting thread is woken only when half of the items are ready for it. A queue that wakes it for each item costs more than the second thread
/// saves, because waking takes about as long as processing a few items.
/// </remarks>
/// <typeparam name="T">The type of the items, which are reused.</typeparam>
internal sealed class Handover<T> : IDisposable
{
    private readonly Action<T> _process;
    private readonly long _itemsOfCaller;
    private readonly int _half;
    private readonly object _lock = new();
    private readonly Stack<T> _free = [];
    private readonly Queue<T> _filled = [];
    private Thread? _worker;
    private long _count;
    private bool _isComplete;
    private volatile ExceptionDispatchInfo? _failure;

    /// <param name="itemCount">Items in flight; at least 2 for two threads to work at once.</param>
    /// <param name="create">Creates an item.</param>
    /// <param name="process">Processes one; called by one thread at a time.</param>
    /// <param name="itemsOfCaller">Number of items that the caller processes before a thread is started.</param>
    public Handover(int itemCount, Func<T> create, Action<T> process, long itemsOfCaller)
    {
        _process = process;
        _itemsOfCaller = itemsOfCaller;
        _half = (itemCount + 1) / 2;
        for (int i = 0; i < itemCount; i++)
            _free.Push(create());
    }

    /// <summary>An item to fill; waits for one.</summary>
    public T Take()
    {
        lock (_lock)
        {
            if (_free.Count == 0)
                WaitUntil(() => _free.Count >= _half);
            return _free.Pop();
        }
    }

    /// <summary>Hands an item over. If the processing of an earlier one threw, this throws the same exception.</summary>
    public void Give(T item)
    {
        _failure?.Throw();
        if (_count++ < _itemsOfCaller)
        {
            _process(item);
            _free.Push(item);
            return;
        }
        if (_worker is null)
        {
            _worker = new Thread(Work) { IsBackground = true, Name = $"{nameof(MlNetRms)} reading" };
            _worker.Start();
        }
        lock (_lock)
        {
            _filled.Enqueue(item);
            if (_filled.Count == _half)
                Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits until all items have been processed. If that threw, this throws the same exception.</summary>
    public void Complete()
    {
        Dispose();
        _failure?.Throw();
    }

    /// <summary>Waits until all items have been processed.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isComplete = true;
            Monitor.Pulse(_lock);
        }
        _worker?.Join();
    }

    private void Work()
    {
        while (TryNext(out T? item))
        {
            try
            {
                if (_failure is null)
                    _process(item);
            }
            catch (Exception exception)
            {
                _failure = ExceptionDispatchInfo.Capture(exception);
            }
            lock (_lock)
            {
                _free.Push(item);
                if (_free.Count == _half)
                    Monitor.Pulse(_lock);
            }
        }
    }

    private bool TryNext([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out T item)
    {
        lock (_lock)
        {
            if (_filled.Count == 0)
                WaitUntil(() => _filled.Count >= _half || _isComplete);
            return _filled.TryDequeue(out item);
        }
    }

    private void WaitUntil(Func<bool> isSo)
    {
        while (!isSo())
            Monitor.Wait(_lock);
    }
}
