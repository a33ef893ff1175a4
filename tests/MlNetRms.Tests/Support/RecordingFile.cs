using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Support;

/// <summary>A temporary file that records its calls and fails on request.</summary>
internal sealed class RecordingFile(string? directory = null) : ISpillFile
{
    private readonly SpillFile _file = new(directory);
    private int _writes;

    /// <summary>Called before each write with its number, from 1.</summary>
    public Action<int>? BeforeWrite { get; init; }

    /// <summary>Called before each read with its number, from 1.</summary>
    public Action<int>? BeforeRead { get; init; }

    public string Directory => _file.Directory;

    public int Writes => _writes;

    /// <summary>The prefetches (IsRead is false) and the reads, in order.</summary>
    public List<(long Position, long Bytes, bool IsRead)> Steps { get; } = [];

    public IReadOnlyList<(long Position, long Bytes)> Expected => [.. Steps.Where(step => !step.IsRead).Select(step => (step.Position, step.Bytes))];

    public void Write(long position, ReadOnlySpan<float> words)
    {
        BeforeWrite?.Invoke(Interlocked.Increment(ref _writes));
        _file.Write(position, words);
    }

    public void Expect(long position, long bytes)
    {
        lock (Steps)
            Steps.Add((position, bytes, IsRead: false));
        _file.Expect(position, bytes);
    }

    public void Read(long position, Span<float> words)
    {
        int number;
        lock (Steps)
        {
            Steps.Add((position, words.Length * sizeof(float), IsRead: true));
            number = Steps.Count(step => step.IsRead);
        }
        BeforeRead?.Invoke(number);
        _file.Read(position, words);
    }

    public void Dispose() => _file.Dispose();
}
