using System.Diagnostics;
using Microsoft.ML;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

namespace MlNetRms.Benchmarks;

/// <summary>How long a training runs on after it has been cancelled, at moments spread over its whole length.</summary>
internal static class CancelVerb
{
    private const int Moments = 150;
    private const int QuickMoments = 10;

    /// <summary>Each has phases of its own.</summary>
    private static readonly (string Name, IRows Rows, Func<Options> Options)[] _cases =
    [
        ("1M×20", new SyntheticRows(1_000_000, 20), () => new() { NumberOfEpochs = 40 }),
        ("1M×20, in a file", new SyntheticRows(1_000_000, 20), () => new() { NumberOfEpochs = 40, MemoryLimitInBytes = 16_000_000 }),
        ("100k×512, decorrelated", new SyntheticRows(100_000, 512), () => new() { NumberOfEpochs = 10 }),
        ("20k×2000, leading directions", new SyntheticRows(20_000, 2000), () => new() { NumberOfEpochs = 20 }),
        ("sparse 200k×100k", new SyntheticRows(200_000, 100_000, 50), () => new() { NumberOfEpochs = 6 }),
        ("hashed 20k×16.8M", new SyntheticRows(20_000, 1 << 24, 50), () => new() { NumberOfEpochs = 5 }),
        ("20k×700, decorrelated", new SyntheticRows(20_000, 700), () => new() { NumberOfEpochs = 2, Decorrelate = true }),
    ];

    public static void Run(Arguments arguments)
    {
        Report.Header();
        int moments = arguments.Quick ? QuickMoments : Moments;
        var table = new List<string[]>();
        foreach ((string name, IRows rows, Func<Options> options) in arguments.Select(_cases, one => one.Name))
        {
            Console.Error.WriteLine($"{name} …");
            IDataView view = new RowView(rows);
            double length = Math.Min(Fit(view, options(), after: null).Length, Fit(view, options(), after: null).Length);
            var random = new Random(1);
            var delays = new List<(double Delay, double Moment)>();
            while (delays.Count < moments)
            {
                double moment = random.NextDouble() * length;
                if (Fit(view, options(), TimeSpan.FromSeconds(moment)).Delay is { } delay)
                    delays.Add((delay, moment));
            }
            (double worst, double at) = delays.Max();
            table.Add([name, Report.Time(length), Report.Time(Statistics.Median(delays.Select(one => one.Delay))),
                Report.Time(Statistics.Quantile(delays.Select(one => one.Delay), 0.9)), Report.Time(worst), Report.Time(at)]);
        }
        Report.Table(["rows", "fit", "median", "p90", "worst", "worst at"], table);
        Console.WriteLine($"""
            Time from the cancellation to the exception, for {moments} moments spread evenly over a complete fit. Rows come from a generator.
            """);
    }

    /// <returns>Seconds of the fit, and seconds from the cancellation to its end; null if the fit had ended before.</returns>
    private static (double Length, double? Delay) Fit(IDataView view, Options options, TimeSpan? after)
    {
        using var cancellation = new CancellationTokenSource();
        options.CancellationToken = cancellation.Token;
        long cancelled = 0;
        using var done = new ManualResetEventSlim();
        var canceller = new Thread(() =>
        {
            if (after is not { } moment || done.Wait(moment))
                return;
            Volatile.Write(ref cancelled, Stopwatch.GetTimestamp());
            cancellation.Cancel();
        });
        long start = Stopwatch.GetTimestamp();
        canceller.Start();
        double? delay = null;
        try
        {
            new MLContext(seed: 1).Regression.Trainers.RmsProp(options).Fit(view);
        }
        catch (OperationCanceledException)
        {
            delay = Stopwatch.GetElapsedTime(Volatile.Read(ref cancelled)).TotalSeconds;
        }
        done.Set();
        canceller.Join();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, delay);
    }
}
