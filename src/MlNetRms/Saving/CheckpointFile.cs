using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Saving;

/// <summary>
/// A file that is either complete or not there: written beside the old one, flushed to the disk and renamed, and checked by a hash of all
/// its bytes before anything in it is believed.
/// </summary>
/// <remarks>
/// Layout, little-endian: eight bytes that name the format, its version (4 bytes), the length of the content (8), the content, and the
/// SHA-256 of all before (32).
/// </remarks>
/// <param name="path">The file.</param>
/// <param name="create">Opens a file for writing; tests give one that fails.</param>
internal sealed class CheckpointFile(string path, Func<string, Stream>? create = null)
{
    /// <summary>Version of the content.</summary>
    public const int Version = 1;

    private const int HeaderLength = 20;
    private const int BufferLength = 1 << 16;

    private static ReadOnlySpan<byte> Magic => "MlNetRms"u8;

    public bool Exists => File.Exists(path);

    /// <summary>What a write that was interrupted leaves behind; the next write or <see cref="Delete"/> removes it.</summary>
    private string TemporaryPath => path + ".tmp";

    /// <summary>Replaces the file, or leaves the old one as it was.</summary>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">The file could not be written; the message names it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written to.</exception>
    public void Write(Action<BinaryWriter> write)
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

    /// <summary>Finds out whether a file can be written, without touching the one that is there.</summary>
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

    /// <summary>Reads the file, once it is known to be as it was written.</summary>
    /// <param name="read">Reads the content.</param>
    /// <exception cref="InvalidDataException">The file is damaged, not complete, of a newer version, or no such file at all.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public T Read<T>(Func<CheckpointReader, T> read)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferLength);
        long contentLength = Check(file);
        file.Position = HeaderLength;
        try
        {
            using var reader = new CheckpointReader(file, contentLength);
            T result = read(reader);
            return reader.Remaining == 0 ? result : throw Damaged("it is longer than what it describes");
        }
        // Of a file with a valid hash that was not written by this format.
        catch (Exception exception) when (exception is EndOfStreamException or FormatException or ArgumentException or OverflowException or KeyNotFoundException)
        {
            throw Damaged("its content makes no sense", exception);
        }
    }

    /// <summary>Removes the file and what an interrupted write left.</summary>
    public void Delete()
    {
        File.Delete(path);
        DeleteTemporary();
    }

    private Stream Create() => create is null
        ? new FileStream(TemporaryPath, FileMode.Create, FileAccess.ReadWrite, FileShare.None, BufferLength)
        : create(TemporaryPath);

    private static void WriteContent(Stream file, Action<BinaryWriter> write)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Version);
        file.Write(header);
        using (var writer = new BinaryWriter(file, Encoding.UTF8, leaveOpen: true))
            write(writer);
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
            throw new InvalidDataException($"'{path}' is no checkpoint of MlNetRms, or only the beginning of one. Name another path, or delete it to train from the start.");
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
                $"The checkpoint '{path}' has version {version} of the format; this version of MlNetRms reads version {Version}. Use the version that wrote it.");
        return contentLength;
    }

    private IOException NotWritten(IOException inner) => new(
        $"'{path}' could not be written: {inner.Message} {(Exists ? "The one written before is as it was." : "There is none from before.")}", inner);

    private InvalidDataException Damaged(string how, Exception? inner = null) =>
        new($"The checkpoint '{path}' is damaged: {how}. Delete it to train from the start.", inner);

    private void DeleteTemporary()
    {
        try
        {
            File.Delete(TemporaryPath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Nothing is lost: the next write replaces it.
        }
    }
}

/// <summary>A short text that tells contents apart.</summary>
internal static class ContentHash
{
    private const int BufferLength = 1 << 16;

    /// <param name="write">Writes the contents; they are not kept.</param>
    public static string Of(Action<BinaryWriter> write)
    {
        using var hash = SHA256.Create();
        using (var buffer = new BufferedStream(new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write), BufferLength))
        using (var writer = new BinaryWriter(buffer, Encoding.UTF8))
            write(writer);
        return Convert.ToHexStringLower(hash.Hash!.AsSpan(0, 16));
    }
}
