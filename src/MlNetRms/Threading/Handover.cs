using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace MlNetRms.Threading;

/// <summary>
/// Lets the calling thread fill one item while another thread processes those before it, in their order. The first items are
/// processed by the caller: a thread takes longer to start than they do.
/// </summary>
/// <typeparam name="T">What is filled and processed, again and again.</typeparam>
internal sealed class Handover<T> : IDisposable
{
    private readonly Action<T> _process;
    private readonly long _itemsOfCaller;
    private readonly BlockingCollection<T> _free = new(new ConcurrentStack<T>());
    private readonly BlockingCollection<T> _filled = [];
    private Thread? _worker;
    private long _count;
    private volatile ExceptionDispatchInfo? _failure;

    /// <param name="itemCount">Items in flight; at least 2 for two threads to work at once.</param>
    /// <param name="create">Creates an item.</param>
    /// <param name="process">Processes one; called by one thread at a time.</param>
    /// <param name="itemsOfCaller">So many items are processed by the caller before a thread is started.</param>
    public Handover(int itemCount, Func<T> create, Action<T> process, long itemsOfCaller)
    {
        _process = process;
        _itemsOfCaller = itemsOfCaller;
        for (int i = 0; i < itemCount; i++)
            _free.Add(create());
    }

    /// <summary>An item to fill; waits for one.</summary>
    public T Take() => _free.Take();

    /// <summary>Hands an item over. What the processing of an earlier one threw is thrown here.</summary>
    public void Give(T item)
    {
        _failure?.Throw();
        if (_count++ < _itemsOfCaller)
        {
            _process(item);
            _free.Add(item);
            return;
        }
        if (_worker is null)
        {
            _worker = new Thread(Work) { IsBackground = true, Name = $"{nameof(MlNetRms)} reading" };
            _worker.Start();
        }
        _filled.Add(item);
    }

    /// <summary>Waits until all items have been processed, and throws what the processing threw.</summary>
    public void Complete()
    {
        _filled.CompleteAdding();
        _worker?.Join();
        _failure?.Throw();
    }

    public void Dispose()
    {
        _filled.CompleteAdding();
        _worker?.Join();
        _filled.Dispose();
        _free.Dispose();
    }

    private void Work()
    {
        foreach (T item in _filled.GetConsumingEnumerable())
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
            _free.Add(item);
        }
    }
}
