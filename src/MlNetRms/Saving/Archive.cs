using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace MlNetRms.Saving;

/// <summary>
/// A file that one description both reads and writes: an <c>Exchange</c> method names each number of a record once, in order. Each call here writes
/// the value that it is given and returns it or, where the file is read, ignores that value and returns the one of the file.
/// </summary>
/// <remarks>Little-endian. No length is believed that the rest of the file is too short for, so a damaged file cannot take memory.</remarks>
internal sealed class Archive : IDisposable
{
    private const int BytesAtOnce = 1 << 16;

    private readonly BinaryWriter? _writer;
    private readonly BinaryReader? _reader;
    private readonly long _end;

    private Archive(BinaryWriter? writer, BinaryReader? reader, long end) => (_writer, _reader, _end) = (writer, reader, end);

    /// <summary>Bytes that are left to read.</summary>
    public long Remaining => _end - _reader!.BaseStream.Position;

    public static Archive ToWrite(Stream stream) => new(new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true), reader: null, end: 0);

    /// <param name="stream">The file, at the beginning of the content.</param>
    /// <param name="length">Bytes of the content.</param>
    public static Archive ToRead(Stream stream, long length) =>
        new(writer: null, new BinaryReader(stream, Encoding.UTF8, leaveOpen: true), stream.Position + length);

    /// <summary>A number, or a struct of numbers.</summary>
    /// <exception cref="FormatException">There is no such value of an enumeration.</exception>
    public T Value<T>(T? value)
        where T : unmanaged
    {
        Span<T> one = [value.GetValueOrDefault()];
        Bytes(MemoryMarshal.AsBytes(one));
        if (_reader is not null && typeof(T).IsEnum && !Enum.IsDefined(typeof(T), one[0]))
            throw new FormatException();
        return one[0];
    }

    /// <summary>Yes or no.</summary>
    public bool Flag(bool? value) => Value<byte>((byte)(value.GetValueOrDefault() ? 1 : 0)) != 0;

    public string Text(string? value)
    {
        if (_reader is not null)
            return _reader.ReadString();
        _writer!.Write(value!);
        return value!;
    }

    /// <exception cref="EndOfStreamException">The file does not hold that many values.</exception>
    public T[] Array<T>(T[]? values)
        where T : unmanaged
    {
        long count = Value<long>(values?.Length ?? 0);
        if (_reader is null)
        {
            Bytes(MemoryMarshal.AsBytes(values.AsSpan()));
            return values!;
        }
        if (count < 0 || count > Remaining / Unsafe.SizeOf<T>())
            throw new EndOfStreamException();
        var read = new T[count];
        Bytes(MemoryMarshal.AsBytes(read.AsSpan()));
        return read;
    }

    /// <summary>The same where only one number of values fits the rest.</summary>
    /// <exception cref="FormatException">There are more or fewer.</exception>
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

    /// <summary>Records, as many as there are.</summary>
    /// <exception cref="EndOfStreamException">The file does not hold that many records.</exception>
    public IReadOnlyList<T> List<T>(IReadOnlyList<T>? items, Func<Archive, T?, T> exchange)
    {
        int count = Value<int>(items?.Count ?? 0);
        if (_reader is not null && (count < 0 || count > Remaining))
            throw new EndOfStreamException();
        var exchanged = new List<T>();
        for (int i = 0; i < count; i++)
            exchanged.Add(exchange(this, _reader is null ? items![i] : default));
        return exchanged;
    }

    public void Dispose()
    {
        _writer?.Dispose();
        _reader?.Dispose();
    }

    private void Bytes(Span<byte> bytes)
    {
        if (_reader is not null)
        {
            if (bytes.Length > Remaining)
                throw new EndOfStreamException();
            _reader.BaseStream.ReadExactly(bytes);
            return;
        }
        for (; bytes.Length > 0; bytes = bytes[Math.Min(bytes.Length, BytesAtOnce)..])
            _writer!.Write(bytes[..Math.Min(bytes.Length, BytesAtOnce)]);
    }
}
