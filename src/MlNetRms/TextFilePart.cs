using Microsoft.ML.Data;

namespace MlNetRms;

/// <summary>
/// Some of the lines of a text file, for <see cref="TextLoader"/>: those that begin in one of several equal ranges of its bytes. Reading a part
/// reads that range and no more.
/// </summary>
/// <remarks>
/// A line ends with a line feed, also inside quotes. The encoding is UTF-8, or another one in which a line feed is one byte and part of no other
/// character. Immutable and thread-safe; the file must not change.
/// </remarks>
public sealed class TextFilePart : IMultiStreamSource
{
    private readonly string _path;
    private readonly int _number;
    private readonly int _count;
    private readonly bool _hasHeader;

    private TextFilePart(string path, int number, int count, bool hasHeader)
    {
        _path = path;
        _number = number;
        _count = count;
        _hasHeader = hasHeader;
    }

    /// <summary>1: a part is read as one file.</summary>
    public int Count => 1;

    /// <summary>Divides a file into parts, which have all of its lines once.</summary>
    /// <param name="path">The file.</param>
    /// <param name="count">Number of parts; at least 1. Where there are more of them than lines, some are empty.</param>
    /// <param name="hasHeader">Whether the first line is a header, which every part then begins with.</param>
    /// <returns>The parts, in the order of the lines. The file is opened when one is read.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    public static IReadOnlyList<TextFilePart> Divide(string path, int count, bool hasHeader = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return [.. Enumerable.Range(0, count).Select(number => new TextFilePart(path, number, count, hasHeader))];
    }

    /// <summary>The path of the file.</summary>
    /// <param name="index">0.</param>
    /// <returns>The path.</returns>
    public string GetPathOrNull(int index) => _path;

    /// <summary>Opens the part.</summary>
    /// <param name="index">0.</param>
    /// <returns>The header if there is one, then the lines.</returns>
    public Stream Open(int index)
    {
        var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            long dataStart = _hasHeader ? LineStart(file, 1) : 0;
            var header = new byte[dataStart];
            file.Position = 0;
            file.ReadExactly(header);
            long start = Boundary(_number);
            long end = Boundary(_number + 1);
            file.Position = start;
            return new LinesOfFile(header, file, end - start);

            long Boundary(int number)
            {
                long position = dataStart + (long)((Int128)(file.Length - dataStart) * number / _count);
                return position == dataStart ? dataStart : LineStart(file, position);
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Open"/>
    public TextReader OpenTextReader(int index) => new StreamReader(Open(index));

    /// <summary>Where the first line begins that does so at a position or behind it; the end of the file where none does.</summary>
    private static long LineStart(FileStream file, long position)
    {
        file.Position = position - 1;
        int read;
        do
            read = file.ReadByte();
        while (read is not '\n' and not -1);
        return file.Position;
    }

    /// <summary>A header, then so many bytes of a file from where it stands.</summary>
    private sealed class LinesOfFile(byte[] header, FileStream file, long length) : Stream
    {
        private int _headerRead;
        private long _left = length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            ReadOnlySpan<byte> ofHeader = header.AsSpan(_headerRead);
            if (ofHeader.Length > 0)
            {
                ofHeader = ofHeader[..Math.Min(ofHeader.Length, buffer.Length)];
                ofHeader.CopyTo(buffer);
                _headerRead += ofHeader.Length;
                return ofHeader.Length;
            }
            int read = file.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                file.Dispose();
            base.Dispose(disposing);
        }
    }
}
