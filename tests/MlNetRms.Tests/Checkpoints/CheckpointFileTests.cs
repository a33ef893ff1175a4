using System.Security.Cryptography;
using MlNetRms.Saving;
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

        file.Write(archive => Exchange(archive, floats, doubles));

        Assert.Equal(["some.checkpoint"], folder.Files);
        (float[] readFloats, double[] readDoubles) = file.Read(archive => Exchange(archive, [], []));
        Assert.Equal(floats, readFloats);
        Assert.Equal(doubles.Select(BitConverter.DoubleToInt64Bits), readDoubles.Select(BitConverter.DoubleToInt64Bits));

        // What is passed counts only when the file is written.
        static (float[], double[]) Exchange(Archive archive, float[] floats, double[] doubles)
        {
            bool isWriting = floats.Length > 0;
            (float[], double[]) arrays = (archive.Array(floats), archive.Array(doubles));
            Assert.Empty(archive.Array<long>(isWriting ? [] : [1]));
            Assert.Equal("θ and more", archive.Text(isWriting ? "θ and more" : null));
            Assert.Equal("", archive.Text(isWriting ? "" : "another"));
            Assert.Equal("text", archive.Optional(isWriting ? "text" : null, (file, text) => file.Text(text)));
            Assert.Null(archive.Optional(isWriting ? null : "text", (file, text) => file.Text(text)));
            Assert.Equal(2.5f, archive.OptionalValue<float>(isWriting ? 2.5f : null));
            Assert.Null(archive.OptionalValue<float>(isWriting ? null : 2.5f));
            Assert.True(archive.Flag(isWriting));
            Assert.Equal(StopReason.NoImprovement, archive.Value<StopReason>(isWriting ? StopReason.NoImprovement : null));
            Assert.Equal(["a", "b"], archive.List<string>(isWriting ? ["a", "b"] : null, (file, text) => file.Text(text)));
            return arrays;
        }
    }

    [Fact]
    public void Read_ValueThatAnEnumerationDoesNotHave_ThrowsInvalidData()
    {
        using var folder = new TemporaryFolder();
        var file = new CheckpointFile(folder.File("some.checkpoint"));
        file.Write(archive => archive.Value<int>(99));

        Assert.Throws<InvalidDataException>(() => file.Read(archive => archive.Value<StopReason>(value: null)));
    }

    [Fact]
    public void TryLock_LockedByAnother_IsNullUntilItIsReleased()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");

        using (IDisposable? first = new CheckpointFile(path).TryLock())
        {
            Assert.NotNull(first);
            Assert.Null(new CheckpointFile(path).TryLock());
            using IDisposable? other = new CheckpointFile(folder.File("other.checkpoint")).TryLock();
            Assert.NotNull(other);
        }

        Assert.Empty(folder.Files);
        using IDisposable? second = new CheckpointFile(path).TryLock();
        Assert.NotNull(second);
    }

    /// <summary>The lock file is removed while others open it: whoever opened the removed one must not believe that it holds the lock.</summary>
    [Fact]
    public void TryLock_ManyAtOnce_IsHeldByOneAtATime()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        int holders = 0;
        int mostHolders = 0;
        int locks = 0;

        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            using IDisposable? held = new CheckpointFile(path).TryLock();
            if (held is null)
                return;
            int now = Interlocked.Increment(ref holders);
            InterlockedMax(ref mostHolders, now);
            Interlocked.Increment(ref locks);
            Thread.Yield();
            Interlocked.Decrement(ref holders);
        });

        Assert.InRange(locks, 1, 20_000);
        Assert.Equal(1, mostHolders);
        Assert.Empty(folder.Files);

        static void InterlockedMax(ref int most, int value)
        {
            for (int seen = most; value > seen; seen = most)
                Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    [Fact]
    public void TryLock_FileThatAKilledProcessLeft_LocksItAndRemovesItAtTheEnd()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        File.WriteAllText(path + ".lock", "");

        using (IDisposable? held = new CheckpointFile(path).TryLock())
            Assert.NotNull(held);

        Assert.Empty(folder.Files);
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
        new CheckpointFile(path).Write(archive =>
        {
            archive.Value<long>(length);
            for (int i = 0; i < 3; i++)
                archive.Value<int>(0);
        });

        Assert.Throws<InvalidDataException>(() => ReadNumbers(path));
    }

    [Fact]
    public void Read_MoreThanIsDescribed_ThrowsInvalidData()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("some.checkpoint");
        Written(path);

        Assert.Throws<InvalidDataException>(() => new CheckpointFile(path).Read(archive => archive.Value<long>(null)));
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
            var thrown = Assert.Throws<IOException>(() => file.Write(archive => archive.Array<int>([4, 5, 6])));
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
        new CheckpointFile(path).Write(archive => archive.Array<int>([1, 2, 3]));
        return File.ReadAllBytes(path);
    }

    private static int[] ReadNumbers(string path) => new CheckpointFile(path).Read(archive => archive.Array<int>(null));

    /// <summary>A file with room for this many bytes, counted once however often they are rewritten.</summary>
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
