using System.Runtime.InteropServices;
using System.Text;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Saving;

/// <summary>Reads what <see cref="CheckpointWriter"/> wrote. No length is believed that the file is too short for.</summary>
internal sealed class CheckpointReader(Stream stream, long length) : BinaryReader(stream, Encoding.UTF8, leaveOpen: true)
{
    private readonly long _end = stream.Position + length;

    /// <summary>Bytes left.</summary>
    public long Remaining => _end - BaseStream.Position;

    /// <exception cref="EndOfStreamException">The file does not hold so many values.</exception>
    public T[] ReadArray<T>()
        where T : unmanaged
    {
        long count = ReadInt64();
        if (count < 0 || count > Remaining / Marshal.SizeOf<T>())
            throw new EndOfStreamException();
        var values = new T[count];
        BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>The same where only one number of values fits the rest.</summary>
    /// <exception cref="FormatException">There are more or fewer.</exception>
    public T[] ReadArray<T>(int count)
        where T : unmanaged
    {
        T[] values = ReadArray<T>();
        return values.Length == count ? values : throw new FormatException();
    }

    public T Exchange<T>(Func<Archive, T?, T> exchange)
        where T : class
    {
        using var archive = Archive.ToRead(BaseStream, Remaining);
        return exchange(archive, null);
    }

    /// <summary>What <paramref name="read"/> reads, or null.</summary>
    public T? ReadOptional<T>(Func<T> read)
        where T : class => ReadBoolean() ? read() : null;

    /// <inheritdoc cref="ReadOptional{T}"/>
    public T? ReadOptionalValue<T>(Func<T> read)
        where T : struct => ReadBoolean() ? read() : null;

    /// <exception cref="FormatException">There is no such value.</exception>
    public T ReadEnum<T>()
        where T : struct, Enum
    {
        var value = (T)Enum.ToObject(typeof(T), ReadInt32());
        return Enum.IsDefined(value) ? value : throw new FormatException();
    }
}

/// <summary>What a checkpoint is written with, besides single numbers and strings.</summary>
internal static class CheckpointWriter
{
    public static void WriteArray<T>(this BinaryWriter writer, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        const int ValuesAtOnce = 1 << 14;
        writer.Write((long)values.Length);
        for (; values.Length > 0; values = values[Math.Min(values.Length, ValuesAtOnce)..])
            writer.Write(MemoryMarshal.AsBytes(values[..Math.Min(values.Length, ValuesAtOnce)]));
    }

    public static void Exchange<T>(this BinaryWriter writer, T value, Func<Archive, T?, T> exchange)
        where T : class
    {
        writer.Flush();
        using var archive = Archive.ToWrite(writer.BaseStream);
        exchange(archive, value);
    }

    public static void WriteOptional<T>(this BinaryWriter writer, T? value, Action<T> write)
    {
        writer.Write(value is not null);
        if (value is not null)
            write(value);
    }

    public static void WriteEnum<T>(this BinaryWriter writer, T value)
        where T : struct, Enum => writer.Write(Convert.ToInt32(value, provider: null));
}
