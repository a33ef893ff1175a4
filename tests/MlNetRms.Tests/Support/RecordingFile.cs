using MlNetRms.Rows;

namespace MlNetRms.Tests.Support;

/// <summary>A temporary file that records its calls and fails on request.</summary>
internal sealed class RecordingFile(string? directory = null) : SpillFile(directory)
{
    private int _writes;

    /// <summary>Called before each write with its number, from 1.</summary>
    public Action<int>? BeforeWrite { get; init; }

    /// <summary>Called before each read with its number, from 1.</summary>
    public Action<int>? BeforeRead { get; init; }

    public int Writes => _writes;

    /// <summary>The prefetches (IsRead is false) and the reads, in order.</summary>
    public List<(long Position, long Bytes, bool IsRead)> Steps { get; } = [];

    public IReadOnlyList<(long Position, long Bytes)> Prefetched =>
        [.. Steps.Where(step => !step.IsRead).Select(step => (step.Position, step.Bytes))];

    public override void Write(long position, ReadOnlySpan<float> words)
    {
        int number = Interlocked.Increment(ref _writes);
        BeforeWrite?.Invoke(number);
        base.Write(position, words);
    }

    public override void Prefetch(long position, long bytes)
    {
        lock (Steps)
            Steps.Add((position, bytes, IsRead: false));
        base.Prefetch(position, bytes);
    }

    public override void Read(long position, Span<float> words)
    {
        int number;
        lock (Steps)
        {
            Steps.Add((position, words.Length * sizeof(float), IsRead: true));
            number = Steps.Count(step => step.IsRead);
        }
        BeforeRead?.Invoke(number);
        base.Read(position, words);
    }
}
