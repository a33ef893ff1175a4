using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Benchmarks;

/// <summary>
/// Trainings that are extreme in one direction: memory and time, and what one more column, row, value or epoch costs. One process a figure.
/// </summary>
internal static class ExtremesVerb
{
    public const string ChildVerb = "extremes-child";

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(15);

    /// <param name="Name">As the table calls it.</param>
    /// <param name="Unit">One of what there are many of.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Rows">The rows, for so many.</param>
    /// <param name="Options">The options, for so many.</param>
    private sealed record Extreme(string Name, string Unit, int Count, Func<int, IRows> Rows, Func<int, Options> Options);

    private static readonly Extreme[] _all =
    [
        new("hashed: 20k rows × 16.8M columns, 50 values a row", "a column", 1 << 24, count => new SyntheticRows(20_000, count, 50), _ => new()),
        new("10 rows × 5M columns", "a column", 5_000_000, count => new SyntheticRows(10, count), _ => new() { NumberOfEpochs = 20 }),
        new("100M rows × 1 column", "a row", 100_000_000, count => new SyntheticRows(count, 1), _ => new() { NumberOfEpochs = 2 }),
        new("2M rows × 1M columns, 25 values a row", "a value", 50_000_000, count => new SyntheticRows(count / 25, 1_000_000, 25),
            _ => new() { NumberOfEpochs = 2 }),
        new("one row, a million epochs", "an epoch", 1_000_000, _ => new SyntheticRows(1, 1), count => new() { NumberOfEpochs = count }),
    ];

    /// <param name="Seconds">Of the fit.</param>
    /// <param name="AddedBytes">How far the process rose above what it held before.</param>
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
            - Default options but for the epochs: 20 of 10 rows, 2 of many. Time: a first fit, with the generator's time for each value.
            - Fit adds: how far the process rose above what it held before the fit. Bytes: what the second half of the columns, rows, values or
              epochs added to that, by a fit of half as many. The figure of a row includes its share of the index of sparse rows, or of a vector
              that is not full.
            """);
    }

    /// <param name="arguments">Number of the training, and how many there are of its unit.</param>
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
