using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace MlNetRms.Saving;

/// <summary>
/// A file that one description both reads and writes: an <c>Exchange</c> method names each number of a record once, in order. Each call here writes
/// the value that it is given and returns it or, if the file is being read, ignores that value and returns the one in the file.
/// </summary>
/// <remarks>
/// Little-endian. Every length is checked against the rest of the file, so a damaged file cannot cause a large allocation.
/// </remarks>
internal sealed class Archive
{
    private const int BytesAtOnce = 1 << 16;

    private readonly Stream _stream;
    private readonly bool _isReading;
    private readonly long _end;

    private Archive(Stream stream, bool isReading, long end) => (_stream, _isReading, _end) = (stream, isReading, end);

    /// <summary>Bytes that are left to read.</summary>
    public long Remaining => _end - _stream.Position;

    public static Archive ToWrite(Stream stream) => new(stream, isReading: false, end: 0);

    /// <param name="stream">The file, at the beginning of the content.</param>
    /// <param name="length">Bytes of the content.</param>
    public static Archive ToRead(Stream stream, long length) => new(stream, isReading: true, stream.Position + length);

    /// <summary>A number, or a struct of numbers.</summary>
    /// <exception cref="FormatException">The enumeration has no such value.</exception>
    public T Value<T>(T? value)
        where T : unmanaged
    {
        Span<T> one = [value.GetValueOrDefault()];
        Bytes(MemoryMarshal.AsBytes(one));
        if (_isReading && typeof(T).IsEnum && !Enum.IsDefined(typeof(T), one[0]))
            throw new FormatException();
        return one[0];
    }

    /// <summary>Yes or no.</summary>
    public bool Flag(bool? value) => Value<byte>((byte)(value.GetValueOrDefault() ? 1 : 0)) != 0;

    public string Text(string? value) => Encoding.UTF8.GetString(Array(value is null ? null : Encoding.UTF8.GetBytes(value)));

    /// <exception cref="EndOfStreamException">The file is too short for that many values.</exception>
    public T[] Array<T>(T[]? values)
        where T : unmanaged
    {
        long count = Value<long>(values?.Length ?? 0);
        if (!_isReading)
        {
            Bytes(MemoryMarshal.AsBytes(values.AsSpan()));
            return values ?? [];
        }
        if (count < 0 || count > Remaining / Unsafe.SizeOf<T>())
            throw new EndOfStreamException();
        var read = new T[count];
        Bytes(MemoryMarshal.AsBytes(read.AsSpan()));
        return read;
    }

    /// <summary>The same for an array whose length is known.</summary>
    /// <exception cref="FormatException">It has another length.</exception>
    public T[] Array<T>(T[]? values, int length)
        where T : unmanaged
    {
        T[] exchanged = Array(values);
        return exchanged.Length == length ? exchanged : throw new FormatException();
    }

    /// <summary>A record or null.</summary>
    /// <param name="value">The record to write.</param>
    /// <param name="exchange">Exchanges it.</param>
    public T? Optional<T>(T? value, Func<Archive, T?, T> exchange)
        where T : class => Flag(value is not null) ? exchange(this, value) : null;

    /// <summary>A number or null.</summary>
    public T? OptionalValue<T>(T? value)
        where T : unmanaged => Flag(value is not null) ? Value(value) : null;

    /// <summary>Any number of records.</summary>
    /// <exception cref="EndOfStreamException">The file is too short for that many records.</exception>
    public IReadOnlyList<T> List<T>(IReadOnlyList<T>? items, Func<Archive, T?, T> exchange)
    {
        int count = Value<int>(items?.Count ?? 0);
        if (_isReading && (count < 0 || count > Remaining))
            throw new EndOfStreamException();
        var exchanged = new List<T>();
        for (int i = 0; i < count; i++)
            exchanged.Add(exchange(this, _isReading ? default : items![i]));
        return exchanged;
    }

    private void Bytes(Span<byte> bytes)
    {
        if (_isReading)
        {
            if (bytes.Length > Remaining)
                throw new EndOfStreamException();
            _stream.ReadExactly(bytes);
            return;
        }
        for (; bytes.Length > 0; bytes = bytes[Math.Min(bytes.Length, BytesAtOnce)..])
            _stream.Write(bytes[..Math.Min(bytes.Length, BytesAtOnce)]);
    }
}
