namespace MlNetRms.Data;

/// <summary>A temporary file of words, removed when it is disposed of.</summary>
internal interface ISpillFile : IDisposable
{
    /// <summary>Its folder, for messages.</summary>
    string Directory { get; }

    /// <exception cref="IOException">There is no room, or the device has failed.</exception>
    void Write(long position, ReadOnlySpan<float> words);

    /// <summary>Says that so many bytes will be read soon, so that the system can begin with it.</summary>
    void Expect(long position, long bytes);

    /// <exception cref="IOException">It cannot be read, or is shorter than what was written to it.</exception>
    void Read(long position, Span<float> words);
}
