using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MlNetRms.Data;

/// <summary>
/// A file that is removed when it is closed. Where the system allows that (Unix) its name is removed as soon as it is open, so that nothing is
/// left behind however the process ends; Windows removes it itself when it closes the files of a process that was killed.
/// </summary>
internal sealed partial class SpillFile : ISpillFile
{
    private const int AdviceWillNeed = 3;

    private static int _count;

    private readonly SafeFileHandle _file;

    /// <param name="directory">Where it goes; null for the system's folder of temporary files.</param>
    /// <exception cref="IOException">It could not be created; the message names the folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written to.</exception>
    public SpillFile(string? directory)
    {
        Directory = directory ?? Path.GetTempPath();
        string path;
        do
            path = Path.Combine(Directory, $"mlnetrms-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}.rows");
        while (File.Exists(path));        // of a process with the same number, in another container
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
    }

    public string Directory { get; }

    public void Write(long position, ReadOnlySpan<float> words) => RandomAccess.Write(_file, MemoryMarshal.AsBytes(words), position);

    public void Expect(long position, long bytes)
    {
        if (OperatingSystem.IsLinux())
            _ = FileAdvise(_file, position, bytes, AdviceWillNeed);        // a hint: whether it is taken changes the speed alone
    }

    public void Read(long position, Span<float> words)
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

    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int FileAdvise(SafeFileHandle file, long position, long length, int advice);
}
