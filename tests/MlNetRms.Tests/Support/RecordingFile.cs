using MlNetRms.Data;

namespace MlNetRms.Tests.Support;

/// <summary>A temporary file that notes what is done to it, and fails where it is asked to.</summary>
internal sealed class RecordingFile(string? directory = null) : ISpillFile
{
    private readonly SpillFile _file = new(directory);
    private readonly List<(long Position, int Thread)> _reads = [];
    private int _writes;

    /// <summary>Called with the number of a write, from 1, before it is done.</summary>
    public Action<int>? BeforeWrite { get; init; }

    /// <summary>Called with the number of a read, from 1, before it is done.</summary>
    public Action<int>? BeforeRead { get; init; }

    public string Directory => _file.Directory;

    public int Writes => _writes;

    public IReadOnlyList<(long Position, int Thread)> Reads
    {
        get
        {
            lock (_reads)
                return [.. _reads];
        }
    }

    public void Write(long position, ReadOnlySpan<float> words)
    {
        BeforeWrite?.Invoke(Interlocked.Increment(ref _writes));
        _file.Write(position, words);
    }

    public void Read(long position, Span<float> words)
    {
        int number;
        lock (_reads)
        {
            _reads.Add((position, Environment.CurrentManagedThreadId));
            number = _reads.Count;
        }
        BeforeRead?.Invoke(number);
        _file.Read(position, words);
    }

    public void Dispose() => _file.Dispose();
}
