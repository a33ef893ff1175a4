using System.Security.Cryptography;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Checkpoints;

public sealed class CheckpointFileTests
{
    [Fact]
    public void Read_WhatWasWritten_GivesItBack()
    {
        using var folder = new TemporaryFolder();
        var file = new CheckpointFile(folder.File("some.checkpoint"));
        float[] floats = Some.Normals(1, 100_000);
        double[] doubles = [double.NaN, double.NegativeInfinity, -0.0, double.Epsilon];

        file.Write(writer =>
        {
            writer.WriteArray<float>(floats);
            writer.WriteArray<double>(doubles);
            writer.WriteArray<long>([]);
            writer.WriteOptional("text", writer.Write);
            writer.WriteOptional((string?)null, writer.Write!);
            writer.WriteOptional((float?)2.5f, value => writer.Write(value!.Value));
            writer.WriteOptional((float?)null, value => writer.Write(value!.Value));
            writer.WriteEnum(StopReason.NoImprovement);
        });

        Assert.Equal(["some.checkpoint"], folder.Files);
        file.Read<object?>(reader =>
        {
            Assert.Equal(floats, reader.ReadArray<float>());
            Assert.Equal(doubles.Select(BitConverter.DoubleToInt64Bits), reader.ReadArray<double>().Select(BitConverter.DoubleToInt64Bits));
            Assert.Empty(reader.ReadArray<long>());
            Assert.Equal("text", reader.ReadOptional(reader.ReadString));
            Assert.Null(reader.ReadOptional(reader.ReadString));
            Assert.Equal(2.5f, reader.ReadOptionalValue(reader.ReadSingle));
            Assert.Null(reader.ReadOptionalValue(reader.ReadSingle));
            Assert.Equal(StopReason.NoImprovement, reader.ReadEnum<StopReason>());
            return null;
        });
    }

    [Fact]
    public void Read_AnyByteFlipped_ThrowsInvalidDataThatNamesTheFile()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        byte[] bytes = Written(path);

        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= (byte)(1 << at % 8);
            File.WriteAllBytes(path, damaged);
            Assert.Contains(path, Assert.Throws<InvalidDataException>(() => ReadNumbers(path)).Message, StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, bytes);
        Assert.Equal([1, 2, 3], ReadNumbers(path));
    }

    [Fact]
    public void Read_CutOrExtended_ThrowsInvalidDataThatNamesTheFile()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        byte[] bytes = Written(path);

        for (int length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Contains(path, Assert.Throws<InvalidDataException>(() => ReadNumbers(path)).Message, StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, [.. bytes, 0]);
        Assert.Throws<InvalidDataException>(() => ReadNumbers(path));
    }

    [Fact]
    public void Read_NewerVersion_SaysSo()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        byte[] bytes = Written(path);
        bytes[8]++;
        SHA256.HashData(bytes.AsSpan(..^32)).CopyTo(bytes, bytes.Length - 32);
        File.WriteAllBytes(path, bytes);

        var thrown = Assert.Throws<InvalidDataException>(() => ReadNumbers(path));

        Assert.Contains($"has version {CheckpointFile.Version + 1} of the format", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(1_000_000)]
    [InlineData(4)]
    [InlineData(-1)]
    public void Read_LengthBeyondTheFile_ThrowsInvalidDataWithoutTakingTheMemory(long length)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        new CheckpointFile(path).Write(writer =>
        {
            writer.Write(length);
            writer.Write(new byte[3 * sizeof(int)]);
        });

        Assert.Throws<InvalidDataException>(() => ReadNumbers(path));
    }

    [Fact]
    public void Read_MoreThanIsDescribed_ThrowsInvalidData()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        Written(path);

        Assert.Throws<InvalidDataException>(() => new CheckpointFile(path).Read(reader => reader.ReadInt64()));
    }

    [Fact]
    public void Write_DiskFullAtAnyByte_ThrowsIOExceptionAndLeavesTheOldFileAndNoOther()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        byte[] bytes = Written(path);

        for (int room = 0; room < bytes.Length; room++)
        {
            var file = new CheckpointFile(path, temporary => new FullDisk(temporary, room));
            var thrown = Assert.Throws<IOException>(() => file.Write(writer => writer.WriteArray<int>([4, 5, 6])));
            Assert.Contains(path, thrown.Message, StringComparison.Ordinal);
            Assert.Contains("as it was", thrown.Message, StringComparison.Ordinal);
            Assert.Equal(bytes, File.ReadAllBytes(path));
            Assert.Equal(["some.checkpoint"], folder.Files);
        }
    }

    [Fact]
    public void Write_WriterThatThrows_LeavesTheOldFileAndNoOther()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        byte[] bytes = Written(path);

        Assert.Throws<InvalidOperationException>(() => new CheckpointFile(path).Write(_ => throw new InvalidOperationException()));

        Assert.Equal(bytes, File.ReadAllBytes(path));
        Assert.Equal(["some.checkpoint"], folder.Files);
    }

    [Fact]
    public void Write_LeftoverOfAnInterruptedWrite_ReplacesIt()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        File.WriteAllBytes(path + ".tmp", new byte[1000]);

        Written(path);

        Assert.Equal(["some.checkpoint"], folder.Files);
        Assert.Equal([1, 2, 3], ReadNumbers(path));
    }

    private static byte[] Written(string path)
    {
        new CheckpointFile(path).Write(writer => writer.WriteArray<int>([1, 2, 3]));
        return File.ReadAllBytes(path);
    }

    private static int[] ReadNumbers(string path) => new CheckpointFile(path).Read(reader => reader.ReadArray<int>());

    /// <summary>A file that takes so many bytes, counted once however often they are rewritten.</summary>
    private sealed class FullDisk(string path, long room) : FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0)
    {
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (Position + count > room)
                throw new IOException("No space left on device");
            base.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);
    }
}
