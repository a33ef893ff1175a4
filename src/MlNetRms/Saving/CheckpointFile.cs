using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;

namespace MlNetRms.Saving;

/// <summary>
/// A file that is either complete or absent: it is written beside the old one, flushed to the disk and renamed. Nothing in it is used before a hash
/// of all its bytes has been checked.
/// </summary>
/// <remarks>
/// Layout, little-endian: eight bytes that name the format, its version (4 bytes), the length of the content (8), the content, and the
/// SHA-256 of everything before it (32).
/// </remarks>
/// <param name="path">The file.</param>
/// <param name="create">Opens a file for writing; tests give one that fails.</param>
internal sealed class CheckpointFile(string path, Func<string, Stream>? create = null)
{
    /// <summary>Version of the content.</summary>
    public const int Version = 2;

    private const int HeaderLength = 20;
    private const int BufferLength = 1 << 16;

    /// <summary>A lock file has an arbitrary length below this.</summary>
    private const int MostLockBytes = 1 << 16;

    /// <summary>How an <see cref="IOException"/> says that another holds the file; on Unix, with the number of the system's error.</summary>
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;

    private static ReadOnlySpan<byte> Magic => "MlNetRms"u8;

    public bool Exists => File.Exists(path);

    /// <summary>An interrupted write leaves this file; the next write or <see cref="Delete"/> removes it.</summary>
    private string TemporaryPath => path + ".tmp";

    private string LockPath => path + ".lock";

    /// <summary>Keeps every other training, of this process or another, from locking the file.</summary>
    /// <returns>The lock, held until it is disposed of; the system releases it if the process is killed. Null if another training holds it.</returns>
    /// <exception cref="IOException">The lock could not be created; the message names the file.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write to the folder.</exception>
    public IDisposable? TryLock()
    {
        while (true)
        {
            try
            {
                var file = new FileStream(LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1,
                    OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);
                if (IsAtItsPath(file))
                    return new FileLock(file);
                file.Dispose();
            }
            catch (IOException exception)
            {
                if (exception.HResult is WindowsSharingViolation or LinuxWouldBlock or MacWouldBlock)
                    return null;
                throw NotWritten(exception);
            }
        }
    }

    /// <summary>Replaces the file, or leaves the old one unchanged.</summary>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">The file could not be written; the message names it.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write to the folder.</exception>
    public void Write(Action<Archive> write)
    {
        try
        {
            using (Stream file = Create())
            {
                WriteContent(file, write);
                AppendHash(file);
                (file as FileStream)?.Flush(flushToDisk: true);
            }
            File.Move(TemporaryPath, path, overwrite: true);
        }
        catch (Exception exception)
        {
            DeleteTemporary();
            if (exception is IOException failure)
                throw NotWritten(failure);
            throw;
        }
    }

    /// <summary>Checks that a file can be written, without changing the existing one.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public void CheckWritable()
    {
        try
        {
            Create().Dispose();
        }
        catch (IOException exception)
        {
            throw NotWritten(exception);
        }
        DeleteTemporary();
    }

    /// <summary>Reads the file, after checking that its bytes are those that were written.</summary>
    /// <param name="read">Reads the content.</param>
    /// <exception cref="InvalidDataException">The file is damaged, not complete, of a newer version, or of another kind.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public T Read<T>(Func<Archive, T> read)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferLength);
        long contentLength = Check(file);
        file.Position = HeaderLength;
        try
        {
            Archive archive = Archive.ToRead(file, contentLength);
            T result = read(archive);
            return archive.Remaining == 0 ? result : throw Damaged("it is longer than what it describes");
        }
        // The hash is valid, but something else wrote the content.
        catch (Exception exception) when (exception is EndOfStreamException or FormatException or ArgumentException or OverflowException)
        {
            throw Damaged("its content makes no sense", exception);
        }
    }

    /// <summary>Removes the file and the leftover of an interrupted write.</summary>
    public void Delete()
    {
        File.Delete(path);
        DeleteTemporary();
    }

    /// <summary>
    /// Whether a file that this process has locked still has its name. On Unix its last holder may have removed it after it was opened and before it
    /// was locked; then it protects nothing, because the next one makes another file.
    /// </summary>
    private static bool IsAtItsPath(FileStream file)
    {
        if (OperatingSystem.IsWindows())
            return true;
        // Only a length can be read without opening the file.
        long mark = Stopwatch.GetTimestamp() % MostLockBytes;
        file.SetLength(mark);
        return new FileInfo(file.Name) is { Exists: true } named && named.Length == mark;
    }

    private Stream Create() => create is null
        ? new FileStream(TemporaryPath, FileMode.Create, FileAccess.ReadWrite, FileShare.None, BufferLength)
        : create(TemporaryPath);

    private static void WriteContent(Stream file, Action<Archive> write)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        file.Write(header);
        write(Archive.ToWrite(file));
        long length = file.Position - HeaderLength;
        BinaryPrimitives.WriteInt64LittleEndian(header[12..], length);
        file.Position = 0;
        file.Write(header);
    }

    private static void AppendHash(Stream file)
    {
        file.Position = 0;
        file.Write(SHA256.HashData(file));
    }

    /// <returns>Length of the content.</returns>
    private long Check(FileStream file)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        if (file.ReadAtLeast(header, HeaderLength, throwOnEndOfStream: false) < HeaderLength || !header.StartsWith(Magic))
            throw new InvalidDataException(
                $"'{path}' is no checkpoint of MlNetRms, or only the beginning of one. Name another path, or delete it to train from the start.");
        long contentLength = BinaryPrimitives.ReadInt64LittleEndian(header[12..]);
        if (contentLength < 0 || contentLength != file.Length - HeaderLength - SHA256.HashSizeInBytes)
            throw Damaged("it does not have the length that it should have");
        file.Position = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferLength];
        for (long left = HeaderLength + contentLength; left > 0;)
        {
            int count = file.Read(buffer, 0, (int)Math.Min(left, buffer.Length));
            if (count == 0)
                throw Damaged("it ended while it was read");
            hash.AppendData(buffer, 0, count);
            left -= count;
        }
        Span<byte> stored = stackalloc byte[SHA256.HashSizeInBytes];
        file.ReadExactly(stored);
        if (!stored.SequenceEqual(hash.GetHashAndReset()))
            throw Damaged("its bytes are not those that were written");
        int version = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
        if (version != Version)
            throw new InvalidDataException(
                $"The checkpoint '{path}' has version {version} of the format; this version of MlNetRms reads version {Version}. " +
                "Use the version that wrote it.");
        return contentLength;
    }

    private IOException NotWritten(IOException inner) => new(
        $"'{path}' could not be written: {inner.Message} {(Exists ? "The one written before is as it was." : "There is none from before.")}", inner);

    private InvalidDataException Damaged(string how, Exception? inner = null) =>
        new($"The checkpoint '{path}' is damaged: {how}. Delete it to train from the start.", inner);

    /// <summary>If this fails nothing is lost: the next write replaces it.</summary>
    private void DeleteTemporary() => TryDelete(TemporaryPath);

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Holds a lock file; on Unix it is removed before it is unlocked. One that is left does no harm.</summary>
    private sealed class FileLock(FileStream file) : IDisposable
    {
        public void Dispose()
        {
            if (!OperatingSystem.IsWindows())
                TryDelete(file.Name);
            file.Dispose();
        }
    }
}

/// <summary>A short text that differs if contents differ.</summary>
internal static class ContentHash
{
    private const int BufferLength = 1 << 16;

    /// <param name="write">Writes the contents, which are not kept.</param>
    public static string Compute(Action<Archive> write)
    {
        using var hash = SHA256.Create();
        using (var buffer = new BufferedStream(new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write), BufferLength))
            write(Archive.ToWrite(buffer));
        return Convert.ToHexStringLower(hash.Hash!.AsSpan(0, 16));
    }
}
