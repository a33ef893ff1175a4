using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Rows;

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

/// <summary>Which places of a file are taken.</summary>
/// <param name="usualLength">Words of most chunks; those of one sequence share an extent.</param>
internal sealed class FilePlaces(int usualLength)
{
    /// <summary>So many make 1 MiB or more, which costs a disk more time to read than to find. A short sequence takes fewer.</summary>
    private const int MostPlacesPerExtent = 16;

    private readonly Dictionary<int, Stack<FileExtent>> _free = [];
    private long _used;

    /// <summary>Bytes of the file, those included that have not been written to yet.</summary>
    public long Length { get; private set; }

    /// <summary>Most bytes that were taken at once.</summary>
    public long MostUsed { get; private set; }

    /// <summary>Gives a chunk a place behind the last one of its sequence, or in another extent.</summary>
    public void Take(StoredChunk chunk)
    {
        FileExtent? extent = chunk.Sequence.Open;
        if (chunk.Length != usualLength)
            extent = NewExtent(chunk.Length, places: 1);
        else if (extent is null || extent.IsFull || extent.Owner != chunk.Sequence)
            extent = chunk.Sequence.Open = NewExtent(chunk.Length, Math.Min(2 * extent?.PlaceCount ?? 1, MostPlacesPerExtent));
        extent.Owner = chunk.Sequence;
        chunk.Extent = extent;
        chunk.Position = extent.Take();
        _used += PlaceBytes(chunk.Length);
        MostUsed = Math.Max(MostUsed, _used);
    }

    /// <summary>Lets the place of a chunk, if it has one, be used by others.</summary>
    public void Free(StoredChunk chunk)
    {
        if (chunk.Extent is null)
            return;
        _used -= PlaceBytes(chunk.Length);
        if (chunk.Extent.Free())
        {
            if (!_free.TryGetValue(chunk.Length, out Stack<FileExtent>? extents))
                _free.Add(chunk.Length, extents = []);
            extents.Push(chunk.Extent);
        }
        chunk.Extent = null;
    }

    private FileExtent NewExtent(int length, int places)
    {
        if (_free.TryGetValue(length, out Stack<FileExtent>? extents) && extents.TryPop(out FileExtent? free))
            return free;
        long start = Length;
        Length += places * PlaceBytes(length);
        return new FileExtent(start, PlaceBytes(length), places);
    }

    private static long PlaceBytes(int length) => (long)length * sizeof(float);
}

/// <summary>Places of one length that lie side by side in a file.</summary>
internal sealed class FileExtent(long start, long placeBytes, int placeCount)
{
    private int _taken;
    private int _inUse;

    /// <summary>Who may take its places; null while it is free.</summary>
    public ChunkSequence? Owner { get; set; }

    public int PlaceCount => placeCount;

    public bool IsFull => _taken == placeCount;

    /// <summary>The next place, in bytes from the beginning of the file.</summary>
    public long Take()
    {
        _inUse++;
        return start + _taken++ * placeBytes;
    }

    /// <summary>Gives one place up.</summary>
    /// <returns>Whether that was the last: all places can be taken again.</returns>
    public bool Free()
    {
        if (--_inUse > 0)
            return false;
        _taken = 0;
        Owner = null;
        return true;
    }
}
