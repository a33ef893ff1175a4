using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetRms.Benchmarks;

/// <summary>Rows that exceed the memory limit, compared with the same rows in memory, in one process each; epochs alternate with plain reads of a file.</summary>
internal static class SpillVerb
{
    public const string ChildVerb = "spill-child";

    private const int FeatureCount = 100;
    private const int Epochs = 12;
    private const int RowsToCompile = 2000;
    private const int BlockBytes = 1 << 20;
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(15);

    /// <param name="ReadingSeconds">Time of reading, shuffling and packing.</param>
    /// <param name="EpochSeconds">Median of the epochs after the first.</param>
    /// <param name="FileSeconds">Median of the reads of a file.</param>
    /// <param name="EpochProcessorSeconds">Processor time of an epoch, over all threads.</param>
    /// <param name="FileProcessorSeconds">Processor time of such a read.</param>
    /// <param name="Ratio">Median of the ratios of an epoch and the read before it.</param>
    /// <param name="FileBytes">Bytes of that file.</param>
    /// <param name="AddedBytes">How far the process rose above the memory held before.</param>
    /// <param name="Model">Hash of the model's bits.</param>
    private sealed record Result(double ReadingSeconds, double EpochSeconds, double FileSeconds,
        double EpochProcessorSeconds, double FileProcessorSeconds, double Ratio, long FileBytes, long AddedBytes, string Model);

    public static void Run(Arguments arguments)
    {
        Report.Header();
        int rowCount = arguments.Quick ? 250_000 : 5_000_000;
        long limit = arguments.Quick ? 13_000_000 : 256_000_000;
        (string Name, long Limit, int Threads)[] all =
        [
            ("in memory, two threads", long.MaxValue, 2), ("in memory, one thread", long.MaxValue, 1),
            ("with the limit, two threads", limit, 2), ("with the limit, one thread", limit, 1),
        ];
        var table = new List<string[]>();
        var models = new HashSet<string>();
        foreach ((string name, long most, int threads) in arguments.Select(all, one => one.Name))
        {
            Console.Error.WriteLine($"{name} …");
            (string output, string? failure) = ChildProcess.RunSelf([ChildVerb, Report.Invariant($"{rowCount}"), Report.Invariant($"{most}"),
                Report.Invariant($"{limit}"), Report.Invariant($"{threads}")], _timeout);
            if (failure is not null)
                throw new UsageException($"{name}: {failure}");
            Result result = JsonSerializer.Deserialize<Result>(output)!;
            models.Add(result.Model);
            table.Add([name, Report.Time(result.ReadingSeconds), Report.Time(result.EpochSeconds), Report.Time(result.FileSeconds),
                Report.Time(result.EpochProcessorSeconds), Report.Time(result.FileProcessorSeconds),
                Report.Number(result.Ratio), Report.Invariant($"{result.AddedBytes / 1e6:F0}")]);
        }
        Report.Table(["rows", "reading", "epoch, median", "file, median", "epoch, CPU", "file, CPU", "epoch / file", "fit adds, MB"], table);
        Console.WriteLine(Report.Invariant($"""
            - {rowCount / 1000} thousand rows of {FeatureCount} floats from a generator, {rowCount * (FeatureCount + 2L) * sizeof(float) / 1e6:F0} MB; limit {limit / 1e6:F0} MB;
              {Epochs} epochs, the first not counted. {(models.Count == 1 ? "All models are identical." : "THE MODELS DIFFER.")}
            - Reading: includes shuffling, packing, and the generator.
            - File: one thread reads a file as large as the packed rows above the limit, in blocks of {BlockBytes >> 20} MiB, right after it was written, so from the
              system's cache. Epochs and such reads alternate; epoch / file is the median of the ratios of an epoch and the read before it.
            - Fit adds: how far the process rose above the memory held before the fit.
            """));
    }

    /// <param name="arguments">Rows, bytes of the limit, bytes that the plain read leaves out, threads.</param>
    public static int RunChild(string[] arguments)
    {
        int rowCount = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        long limit = long.Parse(arguments[1], CultureInfo.InvariantCulture);
        long leftOut = long.Parse(arguments[2], CultureInfo.InvariantCulture);
        int threads = int.Parse(arguments[3], CultureInfo.InvariantCulture);
        var context = new MLContext(seed: 1);
        using var file = new PlainFile(rowCount * (FeatureCount + 4L) * sizeof(float) - leftOut, BlockBytes);
        context.Regression.Trainers.RmsProp(Options(2, _ => file.Read())).Fit(new RowView(new SyntheticRows(RowsToCompile, FeatureCount)));

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ProcessMemory.TryRestartPeak(out long before);
        var epochs = new List<double>();
        var reads = new List<double>();
        var epochProcessor = new List<double>();
        var readProcessor = new List<double>();
        long start = 0;
        TimeSpan processorStart = default;
        RmsPropRegressionTransformer fitted = context.Regression.Trainers.RmsProp(Options(Epochs, _ =>
        {
            if (start > 0)
            {
                epochs.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                epochProcessor.Add((Environment.CpuUsage.TotalTime - processorStart).TotalSeconds);
            }
            start = Stopwatch.GetTimestamp();
            processorStart = Environment.CpuUsage.TotalTime;
            file.Read();
            reads.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            readProcessor.Add((Environment.CpuUsage.TotalTime - processorStart).TotalSeconds);
            start = Stopwatch.GetTimestamp();
            processorStart = Environment.CpuUsage.TotalTime;
        })).Fit(new RowView(new SyntheticRows(rowCount, FeatureCount)));
        long peak = ProcessMemory.Peak;

        ReadOnlySpan<float> weights = [.. fitted.Model.Weights, fitted.Model.Bias];
        Console.WriteLine(JsonSerializer.Serialize(new Result(fitted.Training.ReadingTime.TotalSeconds, Statistics.Median(epochs),
            Statistics.Median(reads), Statistics.Median(epochProcessor), Statistics.Median(readProcessor),
            Statistics.Median(epochs.Zip(reads, (epoch, read) => epoch / read)), file.Length, peak - before,
            Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(weights))))));
        return 0;

        RmsPropRegressionTrainer.Options Options(int count, Action<EpochProgress> completed) =>
            new() { NumberOfEpochs = count, MemoryLimitInBytes = limit, NumberOfThreads = threads, EpochCompleted = completed };
    }

    /// <summary>A temporary file that is read from beginning to end.</summary>
    private sealed class PlainFile : IDisposable
    {
        private readonly FileStream _file;
        private readonly byte[] _block;

        public PlainFile(long length, int blockBytes)
        {
            _block = new byte[blockBytes];
            _file = new FileStream(Path.GetTempFileName(), FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0,
                FileOptions.DeleteOnClose);
            for (long written = 0; written < length; written += blockBytes)
                _file.Write(_block);
        }

        public long Length => _file.Length;

        public void Read()
        {
            _file.Position = 0;
            while (_file.Read(_block) > 0)
            {
            }
        }

        public void Dispose() => _file.Dispose();
    }
}
