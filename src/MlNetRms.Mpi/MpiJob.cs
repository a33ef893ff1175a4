namespace MlNetRms.Mpi;

/// <summary>A program that an MPI launcher starts as several processes: <c>mpirun -n 4 dotnet Program.dll</c>.</summary>
public static class MpiJob
{
    /// <summary>Calls may come from any thread, one at a time (MPI_THREAD_SERIALIZED).</summary>
    private const int SerializedThreads = 2;

    private static int _started;

    /// <summary>
    /// Starts MPI, runs the program, and shuts MPI down. Without a launcher the job has one process.
    /// </summary>
    /// <param name="program">What each process does.</param>
    /// <remarks>
    /// <para>
    /// A rank that fails ends the whole job with exit code 1, because the others would wait for it for ever. A rank fails if the program throws,
    /// if another thread throws an unhandled exception, or if the process exits before the program has returned. The reason is written to
    /// standard error. If a process is killed, the launcher ends the job.
    /// </para>
    /// <para>Can be called only once per process, because MPI can be started only once.</para>
    /// </remarks>
    /// <exception cref="ArgumentNullException"><paramref name="program"/> is null.</exception>
    /// <exception cref="DllNotFoundException">No MPI library is installed; the message says what to install.</exception>
    /// <exception cref="InvalidOperationException">It has been called before, or the launcher belongs to another MPI implementation.</exception>
    public static void Run(Action<MpiCollective> program)
    {
        ArgumentNullException.ThrowIfNull(program);
        MpiHandles handles = MpiLibrary.Handles;
        if (Interlocked.Exchange(ref _started, 1) != 0)
            throw new InvalidOperationException($"{nameof(MpiJob)}.{nameof(Run)} was called twice in one process; MPI can be started once.");
        MpiLibrary.Check(MpiNative.MPI_Init_thread(0, 0, SerializedThreads, out _), nameof(MpiNative.MPI_Init_thread));
        var collective = new MpiCollective(handles);
        if (collective.Size == 1 && MpiLauncher.Processes() is { } launched)
        {
            _ = MpiNative.MPI_Finalize();
            throw new InvalidOperationException(
                $"The launcher started {launched.Count} processes ({launched.Variable}), but this one is alone: the launcher is not that of the " +
                $"library '{collective.LibraryVersion}'. Use that library's own mpirun, or let {MpiLibrary.Variable} name the launcher's library.");
        }

        EventHandler onExit = (_, _) => collective.Abort("the process exits before its program has returned.");
        UnhandledExceptionEventHandler onUnhandled = (_, e) => collective.Abort(e.ExceptionObject.ToString()!);
        AppDomain.CurrentDomain.ProcessExit += onExit;
        AppDomain.CurrentDomain.UnhandledException += onUnhandled;
        try
        {
            program(collective);
        }
        catch (Exception exception)
        {
            collective.Abort(exception.ToString());
        }
        AppDomain.CurrentDomain.ProcessExit -= onExit;
        AppDomain.CurrentDomain.UnhandledException -= onUnhandled;
        MpiLibrary.Check(MpiNative.MPI_Finalize(), nameof(MpiNative.MPI_Finalize));
    }
}
