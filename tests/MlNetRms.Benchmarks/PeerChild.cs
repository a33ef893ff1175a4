using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace MlNetRms.Benchmarks;

/// <summary>Figures of one trainer on one workload, measured in one process.</summary>
/// <param name="FitSeconds">Median of the fits after the first, after two seconds of warm-up.</param>
/// <param name="FirstFitSeconds">Time of the first fit of this size.</param>
/// <param name="TestRmse">RMSE of the last fit on the test rows; null if there is no model.</param>
/// <param name="PeakBytes">Peak memory of the process until the end of the first fit.</param>
/// <param name="PeakBeforeBytes">The same just before the first fit: the view, and what creating it took.</param>
/// <param name="FitBytes">Memory that the first fit added to what was held when it began; null if the system cannot tell.</param>
/// <param name="EpochSeconds">Time of an epoch with the textbook's options in a longer training; RmsProp only.</param>
internal sealed record PeerResult(double FitSeconds, double FirstFitSeconds, double? TestRmse,
    long PeakBytes, long PeakBeforeBytes, long? FitBytes, double? EpochSeconds)
{
    /// <summary>The median of each figure over processes of the same trainer and workload.</summary>
    public static PeerResult Median(IReadOnlyList<PeerResult> results)
    {
        return new(Of(one => one.FitSeconds)!.Value, Of(one => one.FirstFitSeconds)!.Value, Of(one => one.TestRmse),
            (long)Of(one => one.PeakBytes)!, (long)Of(one => one.PeakBeforeBytes)!, (long?)Of(one => one.FitBytes), Of(one => one.EpochSeconds));

        double? Of(Func<PeerResult, double?> figure) =>
            results.All(one => figure(one) is not null) ? Statistics.Median(results.Select(one => figure(one)!.Value)) : null;
    }
}

/// <summary>A trainer and its name in the table.</summary>
internal sealed record Peer(string Name, Func<MLContext, Workload, IDataView, LinearModel?> Fit)
{
    public const string RmsProp = "RmsProp";
    public const string OneThread = "RmsProp, one thread";
    public const string LeastSquaresName = "normal equations";
    public const string ReadingName = "reading alone";
    private const int LargestExactFeatureCount = 1000;
    private const long SmallestBytesForThreads = 20_000_000;

    public static IReadOnlyList<Peer> All { get; } =
    [
        new(RmsProp, (context, workload, view) => Model(context, workload, view, context.Regression.Trainers.RmsProp(workload.Options))),
        new(OneThread, (context, workload, view) => Model(context, workload, view,
            context.Regression.Trainers.RmsProp(new RmsPropRegressionTrainer.Options { NumberOfThreads = 1, Seed = 0 }))),
        new("Sdca", (context, workload, view) => Model(context, workload, view, context.Regression.Trainers.Sdca())),
        new("OnlineGradientDescent",
            (context, workload, view) => Model(context, workload, view, context.Regression.Trainers.OnlineGradientDescent())),
        new(LeastSquaresName, (_, _, view) => LeastSquares.ByCholesky(view)),
        new(ReadingName, (_, _, view) =>
        {
            RowView.ReadAll(view);
            return null;
        }),
    ];

    /// <summary>Whether the trainer is measured on a workload.</summary>
    public bool IsFor(Workload workload) => Name switch
    {
        LeastSquaresName => workload is { NonZerosPerRow: null, Folds: null, Rows.FeatureCount: <= LargestExactFeatureCount },
        OneThread => workload is { NonZerosPerRow: null, Folds: null, PackedBytes: > SmallestBytesForThreads },
        ReadingName => workload.Folds is null,
        _ => true,
    };

    private static LinearModel Model<T>(MLContext context, Workload workload, IDataView view, IEstimator<T> trainer)
        where T : class, ISingleFeaturePredictionTransformer<LinearRegressionModelParameters>
    {
        T fitted = workload.Folds is { } folds
            ? (T)context.Regression.CrossValidate(view, (IEstimator<ITransformer>)trainer, folds)[^1].Model
            : trainer.Fit(view);
        return new LinearModel(fitted.Model.Weights, fitted.Model.Bias);
    }
}

/// <summary>The child process of <see cref="PeersVerb"/>, which fits one trainer to one workload and prints one line.</summary>
internal static class PeerChild
{
    public const string Verb = "peer";

    private const int Fits = 5;
    private const int RowsToCompile = 2000;
    private const int EpochsForTiming = 1000;

    /// <summary>Short fits are measured at least this long.</summary>
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(0.5);

    /// <summary>No further fit begins after this, so a slow trainer has fewer fits.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    /// <param name="arguments">Workload, trainer, "full" or "quick", and a CSV file with the training rows or nothing.</param>
    public static int Run(string[] arguments)
    {
        Workload workload = Workloads.All(arguments[2] == "quick").First(workload => workload.Name == arguments[0]);
        Peer peer = Peer.All.First(peer => peer.Name == arguments[1]);
        var context = new MLContext(seed: 1);
        IDataView view = arguments.Length > 3
            ? CsvRows.View(context, arguments[3], workload.Rows.FeatureCount)
            : new RowView(workload.Train).Cached(context);

        // A fit of few rows compiles the code, so that the compiler's memory does not count as the trainer's.
        peer.Fit(context, workload, context.Data.TakeRows(view, RowsToCompile));
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long peakBefore = ProcessMemory.Peak;
        bool watched = ProcessMemory.TryRestartPeak(out long before);
        double first = Seconds(() => peer.Fit(context, workload, view));
        long peak = ProcessMemory.Peak;

        LinearModel? model = null;
        WarmUp(() => peer.Fit(context, workload, view), first);
        var times = new List<double>();
        for (long start = Stopwatch.GetTimestamp(); times.Count == 0 || (times.Count < Fits && Stopwatch.GetElapsedTime(start) < _patience)
            || Stopwatch.GetElapsedTime(start) < _shortest;)
            times.Add(Seconds(() => model = peer.Fit(context, workload, view)));

        var result = new PeerResult(Statistics.Median(times), first, model?.RmseOn(workload.Test),
            Math.Max(peak, peakBefore), peakBefore, watched ? peak - before : null,
            peer.Name == Peer.RmsProp && workload.Name == Workloads.Seed ? EpochSeconds(context, workload, view) : null);
        Console.WriteLine(JsonSerializer.Serialize(result));
        return 0;
    }

    /// <summary>Only for short fits; for long ones the first fit was warm-up enough.</summary>
    private static void WarmUp(Action fit, double firstSeconds)
    {
        long start = Stopwatch.GetTimestamp();
        while (firstSeconds + Stopwatch.GetElapsedTime(start).TotalSeconds < Measuring.WarmUpTime.TotalSeconds)
            fit();
    }

    private static double Seconds(Action fit)
    {
        long start = Stopwatch.GetTimestamp();
        fit();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The training loop alone, without reading and starting up.</summary>
    private static double EpochSeconds(MLContext context, Workload workload, IDataView view)
    {
        workload.Options.NumberOfEpochs = EpochsForTiming;
        IReadOnlyList<EpochReport> epochs = context.Regression.Trainers.RmsProp(workload.Options).Fit(view).Training.Epochs;
        return Statistics.Median(epochs.Zip(epochs.Skip(1), (before, after) => (after.Elapsed - before.Elapsed).TotalSeconds));
    }
}

/// <summary>Training rows in a CSV file, the label last.</summary>
internal static class CsvRows
{
    public static void Write(string path, IRows rows)
    {
        using var writer = new StreamWriter(path);
        VBuffer<float> features = default;
        for (int row = 0; row < rows.Count; row++)
        {
            rows.Read(row, ref features, out float label);
            foreach (float value in features.GetValues())
            {
                WriteNumber(writer, value);
                writer.Write(',');
            }
            WriteNumber(writer, label);
            writer.Write('\n');
        }
    }

    public static IDataView View(MLContext context, string path, int featureCount) => context.Data.LoadFromTextFile(path,
        [new TextLoader.Column("Features", DataKind.Single, 0, featureCount - 1), new TextLoader.Column("Label", DataKind.Single, featureCount)],
        separatorChar: ',');

    private static void WriteNumber(StreamWriter writer, float value)
    {
        Span<char> text = stackalloc char[32];
        value.TryFormat(text, out int length, default, CultureInfo.InvariantCulture);
        writer.Write(text[..length]);
    }
}

/// <summary>Memory of this process, as counted by the system.</summary>
internal static class ProcessMemory
{
    private const string Status = "/proc/self/status";
    private const string ClearReferences = "/proc/self/clear_refs";

    /// <summary>Peak bytes since the start, or since <see cref="TryRestartPeak"/>.</summary>
    public static long Peak => FromStatus("VmHWM:") ?? Process.GetCurrentProcess().PeakWorkingSet64;

    /// <summary>Resets the peak, if the system can do that; otherwise an earlier peak hides later ones.</summary>
    /// <param name="now">Bytes held now.</param>
    public static bool TryRestartPeak(out long now)
    {
        now = FromStatus("VmRSS:") ?? 0;
        try
        {
            File.WriteAllText(ClearReferences, "5");
            return now > 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long? FromStatus(string name)
    {
        if (!File.Exists(Status))
            return null;
        string? line = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? null : 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^2],
            CultureInfo.InvariantCulture);
    }
}
