using System.Security.Cryptography;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Checkpoints;

/// <summary>Whatever the file is or the disk does: a clear error or the right model, and nothing overwritten that may be wanted.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class CheckpointFaultTests : IDisposable
{
    private static readonly Examples _rows = Some.Linear(1, 30, 2);
    private static readonly Examples _sparse = Some.MostlyZero(1, 60, 1, 66, 2);

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("some.checkpoint");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Fit_AnyByteFlipped_ThrowsInvalidDataAndLeavesTheFile()
    {
        byte[] bytes = Written(_rows, Small());
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= (byte)(1 << at % 8);
            AssertRefusedAndLeft(damaged);
        }
        AssertGoesOn(bytes);
    }

    [Fact]
    public void Fit_CutAtAnyLength_ThrowsInvalidDataAndLeavesTheFile()
    {
        byte[] bytes = Written(_rows, Small());
        for (int length = 0; length < bytes.Length; length++)
            AssertRefusedAndLeft(bytes[..length]);
        AssertRefusedAndLeft([.. bytes, 0]);
        AssertGoesOn(bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Dear diary, today I wrote a text that is longer than the header of a checkpoint.")]
    public void Fit_FileOfAnotherKind_ThrowsInvalidDataAndLeavesTheFile(string text) =>
        AssertRefusedAndLeft(System.Text.Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Fit_NewerVersion_SaysSoAndLeavesTheFile()
    {
        byte[] bytes = Written(_rows, Small());
        bytes[8]++;
        AssertRefusedAndLeft(WithHash(bytes), "of the format; this version of MlNetRms reads version");
    }

    /// <summary>What a stranger could make: every byte changed with a hash that fits. The hash is no signature.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_AnyByteChangedUnderAValidHash_ThrowsADocumentedExceptionOrTrainsOn(bool isSparse)
    {
        Examples rows = isSparse ? _sparse : _rows;
        Options options = Small();
        options.Decorrelate = !isSparse;
        byte[] bytes = Written(rows, options);
        IDataView view = rows.View(new MLContext(1));
        options.Checkpoint = null;
        RmsPropRegressionTrainer trainer = Interrupted.Trainer(options);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int tried = 0;
        // Every third byte of the longer file, so that each place in a number comes up.
        for (int at = 20; at < bytes.Length - 32; at += isSparse ? 3 : 1)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= (byte)(at % 2 == 0 ? 1 << at / 2 % 8 : 0xff);
            File.WriteAllBytes(Path, WithHash(changed));
            tried++;
            try
            {
                Assert.All(trainer.Fit(view, SavedTraining.Load(Path)).Parameters(), parameter => Assert.True(float.IsFinite(parameter)));
            }
            catch (Exception exception) when (exception is InvalidDataException or ArgumentException or InvalidOperationException)
            {
                // Not readable, of other options, or it diverged.
            }
        }
        // No memory is taken for a length that the file is too short for.
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / tried, 0, 4_000_000);
    }

    [Fact]
    public void Fit_DiskFullAtAnyWrite_ThrowsIOExceptionAndTheCheckpointBeforeIsIntact()
    {
        Options options = Small();
        options.Checkpoint = null;
        RmsPropRegressionTransformer expected = Interrupted.Fit(_rows, options);
        options = Small();
        options.Checkpoint = options.Checkpoint! with { Keep = true };
        bool isFinished = false;
        int failures = 0;
        int after = 0;
        for (int good = 0; !isFinished; good += 3)
        {
            File.Delete(Path);
            int writes = 0;
            try
            {
                RmsPropRegressionTransformer model = Interrupted.Fit(_rows, options, path => new FailingFile(path, () => ++writes > good));
                isFinished = writes <= good;
                Interrupted.AssertSame(expected, model);
            }
            catch (IOException exception)
            {
                failures++;
                Assert.Contains(Path, exception.Message, StringComparison.Ordinal);
                Assert.Contains("No space left on device", exception.Message, StringComparison.Ordinal);
                Assert.Contains(File.Exists(Path) ? "as it was" : "none from before", exception.Message, StringComparison.Ordinal);
                Assert.Equal(File.Exists(Path) ? ["some.checkpoint"] : [], _folder.Files);
                after += File.Exists(Path) ? 1 : 0;
                Interrupted.AssertSame(expected, Interrupted.Fit(_rows, options));
            }
        }
        Assert.True(failures > 100 && after > 50, $"{failures} failures, {after} of them with a checkpoint from before");
    }

    [Theory]
    [InlineData("the options' token")]
    [InlineData("an argument")]
    [InlineData("the host")]
    public void Fit_DiskFullWhenCancelled_ThrowsTheCancellationWithTheFailureInItAndInTheLog(string how)
    {
        var ml = new MLContext(1);
        var log = new LogCollector(ml);
        using var source = new CancellationTokenSource();
        Options options = Small();
        options.Checkpoint = options.Checkpoint! with { EveryEpochs = null };
        options.EpochCompleted = _ =>
        {
            if (how == "the host")
                ml.CancelExecution();
            source.Cancel();
        };
        options.CancellationToken = how == "the options' token" ? source.Token : default;
        CancellationToken argument = how == "an argument" ? source.Token : default;
        int files = 0;
        Stream Create(string path) => ++files == 1 ? Interrupted.Create(path) : throw new IOException("No space left on device");
        var trainer = new RmsPropRegressionTrainer((Microsoft.ML.Runtime.IHostEnvironment)ml, options, Create);

        var cancelled = Assert.Throws<OperationCanceledException>(() => trainer.Fit(_rows.View(ml), argument));

        Assert.Equal(how == "the host" ? default : source.Token, cancelled.CancellationToken);
        Assert.Contains("Its checkpoint could not be written", cancelled.Message, StringComparison.Ordinal);
        Assert.Contains($"'{Path}' could not be written: No space left on device", cancelled.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", Assert.IsType<IOException>(cancelled.InnerException).Message, StringComparison.Ordinal);
        Assert.Contains(log.Messages(Microsoft.ML.Runtime.ChannelMessageKind.Warning), message =>
            message.Contains("Training was cancelled", StringComparison.Ordinal)
                && message.Contains("No space left on device", StringComparison.Ordinal));
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void Fit_FolderRemovedMeanwhile_ThrowsBeforeReadingRows()
    {
        string folder = _folder.File("folder");
        Directory.CreateDirectory(folder);
        RmsPropRegressionTrainer trainer = Interrupted.Trainer(
            new() { Checkpoint = new() { Path = System.IO.Path.Combine(folder, "some.checkpoint") } });
        Directory.Delete(folder);
        bool isRead = false;

        Assert.Contains(folder, Assert.Throws<IOException>(() => trainer.Fit(View(() => isRead = true))).Message, StringComparison.Ordinal);

        Assert.False(isRead);
    }

    [Fact]
    public void Fit_NoRightToWrite_ThrowsBeforeReadingRows()
    {
        bool isRead = false;
        RmsPropRegressionTrainer trainer = Interrupted.Trainer(new() { Checkpoint = new() { Path = Path } },
            path => throw new UnauthorizedAccessException($"Access to the path '{path}' is denied."));

        Assert.Contains(Path, Assert.Throws<UnauthorizedAccessException>(() => trainer.Fit(View(() => isRead = true))).Message,
            StringComparison.Ordinal);

        Assert.False(isRead);
    }

    [Fact]
    public void Fit_FileThatCannotBeRemovedAtTheEnd_ReturnsTheModelWithAWarning()
    {
        var ml = new MLContext(1);
        var log = new LogCollector(ml);
        Options options = Small();
        options.Checkpoint = options.Checkpoint! with { EveryEpochs = null };
        options.EpochCompleted = _ => Directory.CreateDirectory(Path);        // instead of the file

        Assert.NotNull(ml.Regression.Trainers.RmsProp(options).Fit(_rows.View(ml)));

        Assert.Contains(log.Messages(Microsoft.ML.Runtime.ChannelMessageKind.Warning), message =>
            message.Contains("could not be removed", StringComparison.Ordinal));
    }

    [Fact]
    public void Fit_TwoAtOnceWithOnePath_TheSecondThrows()
    {
        Options options = Small();
        InvalidOperationException? second = null;
        options.EpochCompleted = _ => second = Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(_rows, Small()));

        Interrupted.Fit(_rows, options);

        Assert.Contains($"Another training writes to the checkpoint '{Path}'", second!.Message, StringComparison.Ordinal);
        Assert.NotNull(Interrupted.Fit(_rows, Small()));
    }

    [Fact]
    public void Fit_AnotherProcessHoldsTheLock_ThrowsUntilItIsGone()
    {
        using (new FileStream(Path + ".lock", FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            var exception = Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(_rows, Small()));
            Assert.Contains($"Another training writes to the checkpoint '{Path}'", exception.Message, StringComparison.Ordinal);
        }

        // Like one that was killed it has left its file.
        Assert.Equal(["some.checkpoint.lock"], _folder.Files);
        Assert.NotNull(Interrupted.Fit(_rows, Small()));
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void Fit_SavedTrainingAtThePath_ThrowsAndLeavesTheFile()
    {
        Interrupted.Fit(_rows, new()).SaveTraining(Path);
        byte[] bytes = File.ReadAllBytes(Path);

        Assert.Contains("is a saved training, not the checkpoint of one",
            Assert.Throws<InvalidOperationException>(() => Interrupted.Fit(_rows, Small())).Message, StringComparison.Ordinal);

        Assert.Equal(bytes, File.ReadAllBytes(Path));
    }

    /// <summary>As a user does who gives one path to all folds.</summary>
    [Fact]
    public void CrossValidate_OnePathForAllFolds_IsAsWithoutAndThrowsAfterABreak()
    {
        var ml = new MLContext(1);
        Examples rows = Some.Linear(1, 200, 3);
        IDataView view = rows.View(ml);
        Options options = TrainingForms.Short(new() { Checkpoint = new() { Path = Path, EveryEpochs = 1 } });

        var with = ml.Regression.CrossValidate(view, ml.Regression.Trainers.RmsProp(options), 3);
        options.Checkpoint = null;
        var without = ml.Regression.CrossValidate(view, ml.Regression.Trainers.RmsProp(options), 3);
        Assert.Equal(without.Select(fold => fold.Metrics.MeanSquaredError), with.Select(fold => fold.Metrics.MeanSquaredError));
        Assert.Empty(_folder.Files);

        Written(rows, options = TrainingForms.Short(new() { Checkpoint = new() { Path = Path, EveryEpochs = 1, Keep = true } }));
        Assert.Contains("the number of training rows", Assert.Throws<InvalidOperationException>(
            () => ml.Regression.CrossValidate(view, ml.Regression.Trainers.RmsProp(options), 3)).Message, StringComparison.Ordinal);
    }

    private static IDataView View(Action read) => Examples.View(new MLContext(1), Enumerable.Range(0, 10).Select(row =>
    {
        read();
        return new Example { Features = Examples.Sparse([row]), Label = row };
    }), 1);

    private Options Small() => new() { NumberOfEpochs = 2, BatchSize = 10, Decorrelate = false, Checkpoint = new() { Path = Path, EveryEpochs = 1 } };

    /// <summary>The file after the first epoch.</summary>
    private byte[] Written(Examples rows, Options options)
    {
        int files = 0;
        Assert.Throws<Interrupted.BreakException>(() =>
            Interrupted.Fit(rows, options, path => ++files == 3 ? throw new Interrupted.BreakException() : Interrupted.Create(path)));
        return File.ReadAllBytes(Path);
    }

    private void AssertRefusedAndLeft(byte[] bytes, string message = "")
    {
        File.WriteAllBytes(Path, bytes);
        var exception = Assert.Throws<InvalidDataException>(() => Interrupted.Fit(_rows, Small()));
        Assert.Contains(Path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(Path));
        Assert.Equal(["some.checkpoint"], _folder.Files);
    }

    private void AssertGoesOn(byte[] bytes)
    {
        File.WriteAllBytes(Path, bytes);
        Options options = Small();
        options.Checkpoint = null;
        Interrupted.AssertSame(Interrupted.Fit(_rows, options), Interrupted.Fit(_rows, Small()));
    }

    private static byte[] WithHash(byte[] bytes)
    {
        SHA256.HashData(bytes.AsSpan(..^32)).CopyTo(bytes, bytes.Length - 32);
        return bytes;
    }

    private sealed class FailingFile(string path, Func<bool> isFull)
        : FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0)
    {
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (isFull())
                throw new IOException("No space left on device");
            base.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);
    }
}
