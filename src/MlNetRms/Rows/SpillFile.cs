using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MlNetRms.Rows;

/// <summary>
/// A temporary file that no other user can read and that is removed when it is closed. On Unix its name is removed as soon as it is open, so that
/// nothing is left behind however the process ends; Windows removes the file when it closes the files of a process that was killed.
/// </summary>
/// <remarks>Several threads can use it at once. Tests derive a file that fails.</remarks>
internal partial class SpillFile : IDisposable
{
    private const int AdviceWillNeed = 3;

    private readonly FileStream _stream;
    private readonly SafeFileHandle _file;

    /// <param name="directory">Where it goes; null for the system's folder of temporary files.</param>
    /// <exception cref="IOException">It could not be created; the message names the folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written to.</exception>
    public SpillFile(string? directory)
    {
        Directory = directory ?? Path.GetTempPath();
        string path = Path.Combine(Directory, $"mlnetrms-{Path.GetRandomFileName()}.rows");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Delete, BufferSize = 0 };
        if (OperatingSystem.IsWindows())
            options.Options = FileOptions.DeleteOnClose;
        else
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        _stream = new FileStream(path, options);
        _file = _stream.SafeFileHandle;
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
    }

    /// <summary>Its folder, for messages.</summary>
    public string Directory { get; }

    /// <exception cref="IOException">There is no room, or the device has failed.</exception>
    public virtual void Write(long position, ReadOnlySpan<float> words) =>
        RandomAccess.Write(_file, MemoryMarshal.AsBytes(words), position);

    /// <exception cref="IOException">It cannot be read, or is shorter than what was written to it.</exception>
    public virtual void Read(long position, Span<float> words)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(words);
        while (bytes.Length > 0)
        {
            int count = RandomAccess.Read(_file, bytes, position);
            if (count == 0)
                throw new IOException($"The temporary file in '{Directory}' is shorter than what was written to it.");
            bytes = bytes[count..];
            position += count;
        }
    }

    /// <summary>Says that bytes will be read soon, so that the system can begin to read them.</summary>
    public virtual void Prefetch(long position, long bytes)
    {
        if (OperatingSystem.IsLinux())
            _ = FileAdvise(_file, position, bytes, AdviceWillNeed);        // a hint: whether it is taken changes the speed alone
    }

    public void Dispose() => _stream.Dispose();

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int FileAdvise(SafeFileHandle file, long position, long length, int advice);
}
