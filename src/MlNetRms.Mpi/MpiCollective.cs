using System.Diagnostics.CodeAnalysis;

namespace MlNetRms.Mpi;

/// <summary>The processes that an MPI launcher started; created by <see cref="MpiJob.Run"/>.</summary>
/// <remarks>One thread at a time may use it.</remarks>
public sealed class MpiCollective : ICollective
{
    private const int FailureExitCode = 1;
    private static readonly TimeSpan _longestAbort = TimeSpan.FromSeconds(2);

    private readonly MpiHandles _mpi;

    internal MpiCollective(MpiHandles mpi)
    {
        _mpi = mpi;
        MpiLibrary.Check(MpiNative.MPI_Comm_rank(mpi.World, out int rank), nameof(MpiNative.MPI_Comm_rank));
        MpiLibrary.Check(MpiNative.MPI_Comm_size(mpi.World, out int size), nameof(MpiNative.MPI_Comm_size));
        (Rank, Size) = (rank, size);
        LibraryVersion = MpiLibrary.Version();
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <summary>The MPI implementation and its version, as it names itself.</summary>
    public string LibraryVersion { get; }

    /// <inheritdoc/>
    public void AllReduceSum(Span<double> values) => AllReduce(values, _mpi.Sum);

    /// <inheritdoc/>
    public void AllReduceMax(Span<double> values) => AllReduce(values, _mpi.Max);

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes, int root)
    {
        if (!bytes.IsEmpty)
            MpiLibrary.Check(MpiNative.MPI_Bcast(bytes, bytes.Length, _mpi.Byte, root, _mpi.World), nameof(MpiNative.MPI_Bcast));
    }

    /// <inheritdoc/>
    public void Barrier() => MpiLibrary.Check(MpiNative.MPI_Barrier(_mpi.World), nameof(MpiNative.MPI_Barrier));

    /// <summary>Writes the reason to standard error and ends all processes of the job, this one too, with exit code 1.</summary>
    /// <param name="reason">What failed, as a message for people.</param>
    [DoesNotReturn]
    public void Abort(string reason)
    {
        Console.Error.WriteLine($"Rank {Rank} of {Size} ends the job: {reason}");
        Console.Error.Flush();
        // MPI_Abort may never return if the process is already exiting or another thread is inside MPI.
        var abort = new Thread(() => _ = MpiNative.MPI_Abort(_mpi.World, FailureExitCode)) { IsBackground = true };
        abort.Start();
        abort.Join(_longestAbort);
        MpiNative._exit(FailureExitCode);
    }

    private void AllReduce(Span<double> values, nint operation)
    {
        if (!values.IsEmpty)
        {
            MpiLibrary.Check(MpiNative.MPI_Allreduce(_mpi.InPlace, values, values.Length, _mpi.Double, operation, _mpi.World),
                nameof(MpiNative.MPI_Allreduce));
        }
    }
}
