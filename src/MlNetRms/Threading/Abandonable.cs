namespace MlNetRms.Threading;

/// <summary>Work that cannot be told to stop.</summary>
internal static class Abandonable
{
    /// <summary>
    /// Does the work on another thread and, once cancelled, waits for it no longer. The thread then goes on to the end of the work, so this must
    /// use nothing that others change or free.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static T Run<T>(Func<T> work, CancellationToken cancellation)
    {
        if (!cancellation.CanBeCanceled)
            return work();
        Task<T> task = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            task.Wait(cancellation);
        }
        catch (AggregateException)
        {
            // What the work threw is thrown below, as it was.
        }
        return task.GetAwaiter().GetResult();
    }
}
