using System.Runtime.InteropServices;

namespace MlNetRms.Checkpoints;

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

    public static void WriteOptional<T>(this BinaryWriter writer, T? value, Action<T> write)
    {
        writer.Write(value is not null);
        if (value is not null)
            write(value);
    }

    public static void WriteEnum<T>(this BinaryWriter writer, T value)
        where T : struct, Enum => writer.Write(Convert.ToInt32(value, provider: null));
}
