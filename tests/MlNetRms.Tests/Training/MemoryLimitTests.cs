using MlNetRms.Rows;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>Rows that do not fit into memory give the same model, bit for bit.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class MemoryLimitTests
{
    private static readonly Examples _dense = Some.Linear(1, 100_000, 30, weighted: true);        // 13 MB packed
    private static readonly Examples _sparse = Some.MostlyZero(1, 60_000, 3, 300, nonZeros: 30);        // 15 MB

    public static TheoryData<string, bool, Action<Options>> Cases => new()
    {
        { "dense", false, _ => { } },
        { "dense, not shuffled", false, options => options.Shuffle = false },
        { "dense, weights, validation rows", false, options =>
            (options.ExampleWeightColumnName, options.ValidationFraction, options.LossFunction) = ("Weight", 0.3f, new HuberLoss(1)) },
        { "dense, large batches", false, options => options.BatchSize = 20_000 },
        { "dense, blocks of a batch on several threads", false, options => options.BatchSize = 2_000 },
        { "dense, L1", false, options => options.L1Regularization = 0.01f },
        { "sparse", true, _ => { } },
        { "sparse, momentum, validation rows", true, options =>
            (options.Momentum, options.LearningRateSchedule, options.ValidationFraction) = (0.9f, LearningRateSchedule.Constant, 0.2f) },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Fit_RowsBeyondTheLimit_GivesTheSameBitsAndLeavesNoFile(string name, bool sparse, Action<Options> change)
    {
        using var folder = new TemporaryFolder();
        Examples rows = sparse ? _sparse : _dense;
        RmsPropRegressionTransformer expected = Fit(_ => { });

        foreach (int threads in new[] { 1, 2 })
        {
            RmsPropRegressionTransformer limited = Fit(options =>
                (options.MemoryLimitInBytes, options.TemporaryDirectory, options.NumberOfThreads) = (1, folder.File(""), threads));
            Assert.True(expected.Parameters().SequenceEqual(limited.Parameters()), name);
            Assert.Equal(expected.Training.Epochs.Select(epoch => epoch.Loss), limited.Training.Epochs.Select(epoch => epoch.Loss));
            Assert.Equal(expected.Training.Epochs.Select(epoch => epoch.ValidationLoss),
                limited.Training.Epochs.Select(epoch => epoch.ValidationLoss));
            Assert.Equal(expected.Training.RSquared, limited.Training.RSquared);
        }
        Assert.Empty(folder.Files);

        RmsPropRegressionTransformer Fit(Action<Options> limit)
        {
            var options = new Options { NumberOfEpochs = 2 };
            change(options);
            limit(options);
            return rows.Fit(options);
        }
    }

    [Fact]
    public void Fit_RowsBeyondTheLimit_WritesThemToTheFolderWhileItTrains()
    {
        using var folder = new TemporaryFolder();
        long largest = 0;

        _dense.Fit(new Options
        {
            NumberOfEpochs = 2,
            MemoryLimitInBytes = 1,
            TemporaryDirectory = folder.File(""),
            EpochCompleted = _ => largest = Math.Max(largest, OpenBytes(folder.File(""))),
        });

        if (OperatingSystem.IsLinux())
            Assert.InRange(largest, 12_000_000, 20_000_000);
    }

    [Fact]
    public void Fit_CancelledWithRowsInTheFile_LeavesNoFile()
    {
        using var folder = new TemporaryFolder();
        using var cancellation = new CancellationTokenSource();

        Assert.ThrowsAny<OperationCanceledException>(() => _dense.Fit(new Options
        {
            NumberOfEpochs = 5,
            MemoryLimitInBytes = 1,
            TemporaryDirectory = folder.File(""),
            CancellationToken = cancellation.Token,
            EpochCompleted = _ => cancellation.Cancel(),
        }));

        Assert.Empty(folder.Files);
        Assert.Equal(0, OpenBytes(folder.File("")));
    }

    /// <summary>Each rank has its own limit, which its parts share.</summary>
    [Theory]
    [InlineData(false, 256)]
    [InlineData(false, 20_000)]
    [InlineData(true, 256)]
    public void FitParts_RowsOfOneRankBeyondItsLimit_GivesTheBitsOfOneProcess(bool sparse, int batchSize)
    {
        using var folder = new TemporaryFolder();
        Examples rows = (sparse ? _sparse : _dense).Take(Enumerable.Range(0, 30_000));
        Examples[] parts = [.. new[] { (0, 9_000), (9_000, 500), (9_500, 11_500), (21_000, 9_000) }
            .Select(part => rows.Take(Enumerable.Range(part.Item1, part.Item2)))];
        float[] expected = ThreadCollective.Run(1, job => Fit(job, limit: null).Parameters())[0];

        foreach (long limit in new[] { 1, 1_000_000 })
        {
            long largest = 0;
            Assert.All(ThreadCollective.Run(2,
                job => Fit(job, job.Rank == 1 ? limit : null, () => largest = Math.Max(largest, OpenBytes(folder.File("")))).Parameters()),
                model => Assert.Equal(expected, model));
            Assert.True(largest > 300_000 || !OperatingSystem.IsLinux());
        }

        RmsPropRegressionTransformer Fit(ThreadCollective job, long? limit, Action? eachEpoch = null) =>
            new MLContext(1).Regression.Trainers.RmsProp(new Options
            {
                Collective = job,
                NumberOfEpochs = 2,
                BatchSize = batchSize,
                NumberOfThreads = 2,
                MemoryLimitInBytes = limit,
                TemporaryDirectory = folder.File(""),
                EpochCompleted = _ => eachEpoch?.Invoke(),
            }).FitParts(job.Views(parts));
    }

    /// <summary>
    /// Limits between nothing and all: then some rows stay in memory, others are in the file.
    /// </summary>
    [Theory]
    [InlineData(false, 2_000_000)]
    [InlineData(false, 8_000_000)]
    [InlineData(true, 2_000_000)]
    [InlineData(true, 8_000_000)]
    public void Fit_PartOfTheRowsBeyondTheLimit_GivesTheSameBits(bool sparse, long limit)
    {
        Examples rows = sparse ? _sparse : _dense;
        float[] expected = rows.Fit(new Options { NumberOfEpochs = 3, ValidationFraction = 0.2f }).Parameters();

        foreach (int threads in new[] { 1, 2, 4 })
        {
            Assert.Equal(expected, rows.Fit(new Options
            {
                NumberOfEpochs = 3,
                ValidationFraction = 0.2f,
                NumberOfThreads = threads,
                MemoryLimitInBytes = limit,
            }).Parameters());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_RowsInTheFile_ArePrefetchedBeforeTheyAreRead(bool sparse)
    {
        var options = new Options { MemoryLimitInBytes = 4_000_000, NumberOfEpochs = 2, NumberOfThreads = 1, Decorrelate = false };
        Examples examples = sparse ? _sparse : _dense;
        RecordingFile? file = null;
        RowMemory memory = Stored.Memory(examples.Width, options.MemoryLimitInBytes, () => file = new RecordingFile());
        using TrainingRows rows = Stored.Read(examples.View(new MLContext(1), _ => sparse), options, memory);
        using var run = new TrainingRun(rows, options.ToSettings(), default, CancellationToken.None);
        int first = file!.Steps.Count;

        run.Run(_ => true);

        var announced = new HashSet<long>();        // pieces of 4 KiB
        int reads = 0;
        int surprises = 0;
        foreach ((long position, long bytes, bool isRead) in file.Steps.Skip(first))
        {
            reads += isRead ? 1 : 0;
            for (long piece = position / 4096; piece < (position + bytes + 4095) / 4096; piece++)
            {
                if (isRead && !announced.Contains(piece))
                {
                    surprises++;
                    break;
                }
                if (!isRead)
                    announced.Add(piece);
            }
        }
        Assert.InRange(reads, 200, 10_000);
        Assert.Equal(0, surprises);
    }

    public static TheoryData<int, bool> Threads => new() { { 1, false }, { 2, false }, { 2, true } };

    /// <summary>The disk is full at the first write, the second, ... the last: always the message, and no file or memory left behind.</summary>
    [Theory, MemberData(nameof(Threads))]
    public void Read_AnyWriteFails_SaysHowManyBytesWereNeededAndLeavesNothing(int threads, bool sparse)
    {
        using var folder = new TemporaryFolder();
        IDataView view = (sparse ? Some.MostlyZero(1, 6_000, 3, 300, nonZeros: 30) : Some.Linear(1, 10_000, 30)).View(new MLContext(1), _ => sparse);
        var options = new Options { MemoryLimitInBytes = 500_000, NumberOfThreads = threads, ValidationFraction = 0.1f };
        int columns = sparse ? 303 : 30;
        RecordingFile? whole = null;
        using (Stored.Read(view, options, Stored.Memory(columns, options.MemoryLimitInBytes, () => whole = new RecordingFile(folder.File("")))))
            Assert.InRange(whole!.Writes, 10, 1000);

        for (int failing = 1; failing <= whole!.Writes; failing++)
        {
            int write = failing;
            RowMemory memory = Stored.Memory(columns, options.MemoryLimitInBytes, () => new RecordingFile(folder.File(""))
            {
                BeforeWrite = number =>
                {
                    if (number >= write)
                        throw new IOException("No space left on device");
                },
            });
            var thrown = Record.Exception(() => Stored.Read(view, options, memory).Dispose());

            // With several threads the number of writes varies a little.
            if (thrown is null && threads > 1 && failing > whole.Writes - 10)
                continue;
            string message = Assert.IsType<IOException>(thrown).Message;
            Assert.Matches($@"temporary file in '.*' needs \d{{5,8}} bytes or more: No space left on device\. Make room", message);
            Assert.Contains("MemoryLimitInBytes", message, StringComparison.Ordinal);
            Assert.Contains(folder.File(""), message, StringComparison.Ordinal);
            Assert.Equal(0, memory.BytesTaken);
            Assert.Empty(folder.Files);
            Assert.Equal(0, OpenBytes(folder.File("")));
        }
    }

    [Fact]
    public void Read_FolderThatHasBeenRemoved_ThrowsIOExceptionThatNamesIt()
    {
        string removed;
        using (var folder = new TemporaryFolder())
            removed = folder.File("removed");
        RowMemory memory = Stored.Memory(30, limit: 1, () => new SpillFile(removed));

        var thrown = Assert.ThrowsAny<IOException>(() => Stored.Read(_dense.View(new MLContext(1)), new Options(), memory));

        Assert.Contains(removed, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(0, memory.BytesTaken);
    }

    /// <summary>The file has no name while it is open, so its mode is read from the open file.</summary>
    [Fact]
    public void SpillFile_OnUnix_IsForItsUserAloneAndHasNoName()
    {
        if (OperatingSystem.IsWindows())
            return;
        using var folder = new TemporaryFolder();
        using var file = new SpillFile(folder.File(""));
        file.Write(0, [1, 2, 3]);

        Assert.Empty(folder.Files);
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Assert.Single(OpenFiles(folder.File("")))));
        float[] words = new float[2];
        file.Read(4, words);
        Assert.Equal([2, 3], words);
        Assert.Throws<IOException>(() => file.Read(8, words));
    }

    [Fact]
    public void RmsProp_FolderThatDoesNotExist_ThrowsArgumentThatNamesIt()
    {
        var thrown = Assert.Throws<ArgumentException>(() =>
            new MLContext().Regression.Trainers.RmsProp(new Options { TemporaryDirectory = "/no/such/folder" }));

        Assert.Contains("TemporaryDirectory '/no/such/folder'", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void RmsProp_LimitBelowOne_ThrowsArgumentOutOfRange(long limit)
    {
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(() =>
            new MLContext().Regression.Trainers.RmsProp(new Options { MemoryLimitInBytes = limit }));

        Assert.Contains("MemoryLimitInBytes", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>Bytes of the files in a folder that this process has open, including deleted ones.</summary>
    private static long OpenBytes(string folder)
    {
        long bytes = 0;
        foreach (string link in OpenFiles(folder))
        {
            try
            {
                using FileStream file = File.OpenRead(link);
                bytes += file.Length;
            }
            catch (IOException)
            {
                // Closed by another test in the meantime.
            }
        }
        return bytes;
    }

    private static List<string> OpenFiles(string folder)
    {
        var links = new List<string>();
        foreach (string link in Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd") : [])
        {
            try
            {
                if (new FileInfo(link).LinkTarget is { } target && target.StartsWith(folder, StringComparison.Ordinal))
                    links.Add(link);
            }
            catch (IOException)
            {
                // Closed in the meantime, by another test.
            }
        }
        return links;
    }
}
