using Microsoft.ML.Data;

namespace MlNetRms;

/// <summary>
/// Part of a text file, for <see cref="TextLoader"/>: the lines that begin in one of several equal ranges of its bytes. Only that range is read.
/// </summary>
/// <remarks>
/// A line feed always ends a line, even inside quotes. The encoding must be UTF-8, or another one in which a line feed is a single byte that
/// occurs in no other character. Immutable and thread-safe; the file must not change.
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

    /// <summary>Always 1: a part is read as one file.</summary>
    public int Count => 1;

    /// <summary>Divides a file into parts. Each line is in exactly one part.</summary>
    /// <param name="path">The file.</param>
    /// <param name="count">Number of parts; at least 1. If there are more parts than lines, some are empty.</param>
    /// <param name="hasHeader">Whether the first line is a header. If so, every part begins with it.</param>
    /// <returns>The parts, in the order of the lines. The file is opened only when a part is read.</returns>
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
    /// <returns>The header, if there is one, then the lines of the part.</returns>
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

    /// <summary>Start of the first line that begins at the position or after it; the end of the file if there is none.</summary>
    private static long LineStart(FileStream file, long position)
    {
        file.Position = position - 1;
        int read;
        do
            read = file.ReadByte();
        while (read is not '\n' and not -1);
        return file.Position;
    }

    /// <summary>A header, then the next <paramref name="length"/> bytes of a file.</summary>
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
            ReadOnlySpan<byte> headerRest = header.AsSpan(_headerRead);
            if (headerRest.Length > 0)
            {
                headerRest = headerRest[..Math.Min(headerRest.Length, buffer.Length)];
                headerRest.CopyTo(buffer);
                _headerRead += headerRest.Length;
                return headerRest.Length;
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
