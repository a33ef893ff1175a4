using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Benchmarks;

/// <summary>
/// How close the time of an epoch is to its lower limit: summing the same packed rows, in the same memory order, with as many threads. Reads and
/// epochs alternate in one training, so that both see the same machine.
/// </summary>
internal static class LimitVerb
{
    private const int Repeats = 21;

    /// <summary>Values that a repeat visits, in as many epochs as it takes, so that the clock can measure it.</summary>
    private const long ValuesPerRepeat = 4_000_000;

    private static float _sink;

    public static void Run(Arguments arguments)
    {
        Report.Header();
        var rows = new List<string[]>();
        foreach (Workload workload in arguments.Select([.. Workloads.All(arguments.Quick).Where(workload => workload.Folds is null)],
            workload => workload.Name))
        {
            using TrainingRows read = ReadRows(workload);
            foreach (int threads in (int[])[1, 2])
            {
                workload.Options.NumberOfThreads = threads;
                rows.Add(ChosenThreads(read, workload.Options) == threads
                    ? Measured(workload, read, threads)
                    : [workload.Name, $"{threads} → 1", "—", "—", "—", "—", "—", "—"]);
            }
        }
        Report.Table(["workload", "threads", "epoch, median", "epoch, p10", "read, median", "read, p10", "epoch / read", "read, GB/s"], rows);
        Console.WriteLine($"""
            {Repeats} repeats; reads and epochs alternate. epoch / read is the median of the ratios of an epoch and the read before it. The read uses
            as many threads as the epoch. "2 → 1": the trainer uses one thread, because two would not be faster for its batch or its columns are
            sparse; see the line above. Sparse times are per non-zero value.
            """);
    }

    private static TrainingRows ReadRows(Workload workload)
    {
        var view = new RowView(workload.Train);
        TrainingSettings settings = workload.Options.ToSettings();
        using var reader = new RowReader(view, SchemaChecks.Find(view.Schema, settings.Columns), CancellationToken.None);
        return TrainingRows.Read([reader], Shards.One, reader.FeatureCount, settings.Reading, previous: null, CancellationToken.None);
    }

    private static TrainingRun NewRun(TrainingRows read, RmsPropRegressionTrainer.Options options) =>
        new(read, options.ToSettings(), start: default, CancellationToken.None);

    private static int ChosenThreads(TrainingRows read, RmsPropRegressionTrainer.Options options)
    {
        using TrainingRun run = NewRun(read, options);
        return run.NumberOfThreads;
    }

    private static string[] Measured(Workload workload, TrainingRows read, int threads)
    {
        PackedRows examples = read.Training.Shards[0];
        long values = examples.RowCount * examples.Layout.Stride + 2 * examples.NonZeroCount;
        int epochsPerRepeat = (int)Math.Max(1, ValuesPerRepeat / values);
        WarmUp(read, workload.Options, threads);
        workload.Options.NumberOfEpochs = epochsPerRepeat * (Repeats + 1);
        var epochTimes = new List<double>();
        var readTimes = new List<double>();
        using TrainingRun run = NewRun(read, workload.Options);
        long start = Stopwatch.GetTimestamp();
        run.Run(epoch =>
        {
            if (epoch.Epoch % epochsPerRepeat != 0)
                return true;
            epochTimes.Add(Stopwatch.GetElapsedTime(start).TotalSeconds / epochsPerRepeat);
            start = Stopwatch.GetTimestamp();
            for (int repeat = 0; repeat < epochsPerRepeat; repeat++)
                Read(examples, threads);
            readTimes.Add(Stopwatch.GetElapsedTime(start).TotalSeconds / epochsPerRepeat);
            start = Stopwatch.GetTimestamp();
            return true;
        });

        // Skips the first repeat, which has cold caches. Each epoch is compared with the read just before it.
        double[] epochs = [.. epochTimes.Skip(1)];
        double[] reads = [.. readTimes.SkipLast(1)];
        double bytes = sizeof(float) * (double)values + (examples.Layout.SparseCount > 0 ? 16.0 * examples.RowCount : 0);
        return
        [
            workload.Name, $"{threads}",
            TimeOf(Statistics.Median(epochs)), TimeOf(Statistics.Quantile(epochs, 0.1)),
            TimeOf(Statistics.Median(reads)), TimeOf(Statistics.Quantile(reads, 0.1)),
            Report.Number(Statistics.Median(epochs.Zip(reads, (epoch, read) => epoch / read))),
            Report.Number(bytes / Statistics.Median(reads) * 1e-9),
        ];

        string TimeOf(double seconds) => examples.NonZeroCount > 0
            ? $"{Report.Number(seconds * 1e9 / examples.NonZeroCount)} ns"
            : Report.Time(seconds);
    }

    /// <summary>Runs until the runtime has replaced the quickly compiled code by optimised code, which takes some tenths of a second.</summary>
    private static void WarmUp(TrainingRows read, RmsPropRegressionTrainer.Options options, int threads)
    {
        options.NumberOfEpochs = 1;
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Measuring.WarmUpTime;)
        {
            using TrainingRun run = NewRun(read, options);
            run.Run(_ => true);
            Read(read.Training.Shards[0], threads);
        }
    }

    private static void Read(PackedRows examples, int threads)
    {
        if (threads == 1)
        {
            _sink = Sum(examples, 0, examples.RowCount);
            return;
        }
        Parallel.For(0, threads, part =>
            _sink = Sum(examples, examples.RowCount * part / threads, examples.RowCount * (part + 1) / threads));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(PackedRows examples, long first, long end)
    {
        float sum = 0;
        for (long row = first; row < end;)
        {
            ReadOnlySpan<float> rows = examples.DenseRows(row, (int)Math.Min(end - row, int.MaxValue));
            sum += Sum(rows);
            row += rows.Length / examples.Layout.Stride;
        }
        for (long row = first; examples.Layout.SparseCount > 0 && row < end; row++)
        {
            examples.SparseRow(row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            sum += Sum(places) + Sum(values);
        }
        return sum;
    }

    /// <summary>The sum of the values; four independent sums, so that memory is the bottleneck.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Sum<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<Vector<T>> wide = MemoryMarshal.Cast<T, Vector<T>>(values);
        Vector<T> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        int block = 0;
        for (; block <= wide.Length - 4; block += 4)
        {
            sum0 += wide[block];
            sum1 += wide[block + 1];
            sum2 += wide[block + 2];
            sum3 += wide[block + 3];
        }
        for (; block < wide.Length; block++)
            sum0 += wide[block];
        T sum = Vector.Sum(sum0 + sum1 + (sum2 + sum3));
        for (int i = wide.Length * Vector<T>.Count; i < values.Length; i++)
            sum += values[i];
        return sum;
    }
}
