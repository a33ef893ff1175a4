using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Benchmarks;

/// <summary>Trainings that are extreme in one dimension: memory, time, and the cost of one more column, row, value or epoch. One process per figure.</summary>
internal static class ExtremesVerb
{
    public const string ChildVerb = "extremes-child";

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(15);

    /// <param name="Name">Name in the table.</param>
    /// <param name="Unit">"per" and the thing that there are many of.</param>
    /// <param name="Count">How many there are.</param>
    /// <param name="Rows">The rows, given that number.</param>
    /// <param name="Options">The options, given that number.</param>
    private sealed record Extreme(string Name, string Unit, int Count, Func<int, IRows> Rows, Func<int, Options> Options);

    private static readonly Extreme[] _all =
    [
        new("hashed: 20k rows × 16.8M columns, 50 values per row", "per column", 1 << 24, count => new SyntheticRows(20_000, count, 50), _ => new()),
        new("10 rows × 5M columns", "per column", 5_000_000, count => new SyntheticRows(10, count), _ => new() { NumberOfEpochs = 20 }),
        new("100M rows × 1 column", "per row", 100_000_000, count => new SyntheticRows(count, 1), _ => new() { NumberOfEpochs = 2 }),
        new("2M rows × 1M columns, 25 values per row", "per value", 50_000_000, count => new SyntheticRows(count / 25, 1_000_000, 25), _ => new() { NumberOfEpochs = 2 }),
        new("one row, a million epochs", "per epoch", 1_000_000, _ => new SyntheticRows(1, 1), count => new() { NumberOfEpochs = count }),
    ];

    /// <param name="Seconds">Time of the fit.</param>
    /// <param name="AddedBytes">How far the process rose above the memory held before.</param>
    private sealed record Result(double Seconds, long AddedBytes);

    public static void Run(Arguments arguments)
    {
        Report.Header();
        var table = new List<string[]>();
        foreach (Extreme extreme in arguments.Select(_all, extreme => extreme.Name))
        {
            int count = arguments.Quick ? extreme.Count / 20 : extreme.Count;
            Result whole = Measured(extreme, count);
            Result half = Measured(extreme, count / 2);
            double each = (whole.AddedBytes - half.AddedBytes) / (count - (double)(count / 2));
            table.Add([extreme.Name, Report.Time(whole.Seconds), Report.Invariant($"{whole.AddedBytes / 1e6:F0}"),
                $"{Report.Number(Math.Max(each, 0))} {extreme.Unit}"]);
        }
        Report.Table(["training", "time", "fit adds, MB", "bytes"], table);
        Console.WriteLine("""
            - Default options, except for the number of epochs: 20 with 10 rows, 2 with many rows. Time: a first fit, including the generator.
            - Fit adds: how far the process rose above the memory held before the fit. Bytes: what the second half of the columns, rows, values or
              epochs added, compared with a fit of half as many. Per-row figures include the sparse-row index and partly filled vectors.
            """);
    }

    /// <param name="arguments">Index of the training, and how many units it has.</param>
    public static int RunChild(string[] arguments)
    {
        Extreme extreme = _all[int.Parse(arguments[0], CultureInfo.InvariantCulture)];
        int count = int.Parse(arguments[1], CultureInfo.InvariantCulture);
        var context = new MLContext(seed: 1);
        context.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 2 }).Fit(new RowView(new SyntheticRows(2000, 10)));
        context.Regression.Trainers.RmsProp(new Options { NumberOfEpochs = 2 }).Fit(new RowView(new SyntheticRows(2000, 1000, 10)));
        var view = new RowView(extreme.Rows(count));
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ProcessMemory.TryRestartPeak(out long before);
        long start = Stopwatch.GetTimestamp();
        context.Regression.Trainers.RmsProp(extreme.Options(count)).Fit(view);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine(JsonSerializer.Serialize(new Result(seconds, ProcessMemory.Peak - before)));
        return 0;
    }

    private static Result Measured(Extreme extreme, int count)
    {
        Console.Error.WriteLine(Report.Invariant($"{extreme.Name}, {count} …"));
        (string output, string? failure) = ChildProcess.RunSelf(
            [ChildVerb, Report.Invariant($"{Array.IndexOf(_all, extreme)}"), Report.Invariant($"{count}")], _timeout);
        return failure is null ? JsonSerializer.Deserialize<Result>(output)! : throw new UsageException($"{extreme.Name}: {failure}");
    }
}
