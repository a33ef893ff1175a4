using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MlNetRms.Data;

/// <summary>
/// A temporary file for words that do not fit into memory. It is removed when it is closed, and where the system allows that (Unix) its name is
/// removed at once, so that nothing is left behind however the process ends.
/// </summary>
internal sealed class SpillFile : IDisposable
{
    private static int _count;

    private readonly SafeFileHandle _file;
    private readonly string _directory;
    private readonly Dictionary<int, Stack<long>> _free = [];

    /// <param name="directory">Where it goes; null for the system's folder of temporary files.</param>
    /// <exception cref="IOException">It could not be created; the message names the folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written to.</exception>
    public SpillFile(string? directory)
    {
        _directory = directory ?? Path.GetTempPath();
        string path;
        do
            path = Path.Combine(_directory, $"mlnetrms-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}.rows");
        while (File.Exists(path));        // of a process with the same number, in another container
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
    }

    /// <summary>Bytes it has grown to.</summary>
    public long Length { get; private set; }

    /// <summary>A place for so many words.</summary>
    public long Take(int length)
    {
        if (_free.TryGetValue(length, out Stack<long>? places) && places.TryPop(out long place))
            return place;
        Length += (long)length * sizeof(float);
        return Length - (long)length * sizeof(float);
    }

    /// <summary>Lets a place be used again.</summary>
    public void Free(long position, int length)
    {
        if (position < 0)
            return;
        if (!_free.TryGetValue(length, out Stack<long>? places))
            _free.Add(length, places = []);
        places.Push(position);
    }

    /// <exception cref="IOException">There is no room; the message says where and how much.</exception>
    public void Write(long position, ReadOnlySpan<float> words)
    {
        try
        {
            RandomAccess.Write(_file, MemoryMarshal.AsBytes(words), position);
        }
        catch (IOException exception)
        {
            throw new IOException(FormattableString.Invariant(
                $"The rows do not fit into MemoryLimitInBytes, and their temporary file in '{_directory}' could not grow to {Length} bytes: {exception.Message} ") +
                "Make room, raise MemoryLimitInBytes, or name another TemporaryDirectory.", exception);
        }
    }

    /// <exception cref="IOException">It cannot be read.</exception>
    public void Read(long position, Span<float> words)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(words);
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(_file, bytes, position);
            if (count == 0)
                throw new IOException($"The temporary file in '{_directory}' is shorter than what was written to it.");
            bytes = bytes[count..];
            position += count;
        }
    }

    public void Dispose() => _file.Dispose();
}
