using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MlNetRms.Benchmarks.Micro;
using Perfolizer.Horology;

namespace MlNetRms.Benchmarks;

/// <summary>Each kernel, compared with scalar code that computes the same.</summary>
internal static class MicroVerb
{
    private static readonly Type[] _kernels =
    [
        typeof(ResidualsBenchmark), typeof(AddGradientBenchmark), typeof(StepBenchmark), typeof(StepCenteredBenchmark),
        typeof(AccumulateBenchmark), typeof(StandardizeBenchmark), typeof(SparseStepBenchmark),
    ];

    public static void Run(Arguments arguments)
    {
        IReadOnlyList<Type> kernels = arguments.Select(_kernels, kernel => kernel.Name);
        Report.Header(typeof(BenchmarkRunner));
        Job job = (arguments.Quick ? Job.Dry : Job.ShortRun.WithIterationCount(9).WithIterationTime(TimeInterval.FromMilliseconds(50)))
            .WithToolchain(InProcessEmitToolchain.DontLogOutput);
        ManualConfig config = ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(NullLogger.Instance)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "MlNetRms.Benchmarks"))
            .WithOptions(ConfigOptions.DisableLogFile);
        Report.Table(["kernel", "size", "scalar", "ours", "scalar / ours"],
            [.. kernels.SelectMany(kernel => Rows(kernel.Name.Replace("Benchmark", ""), BenchmarkRunner.Run(kernel, config)))]);
        Console.WriteLine("""
            Medians. Residuals, AddGradient and Accumulate process 128 rows of that length, Step and Standardize one. SparseStep: weights in the batch
            of all weights; its "scalar" column is the vectorised step that visits all of them.
            """);
    }

    /// <summary>One table row per size: the baseline and the kernel.</summary>
    private static IEnumerable<string[]> Rows(string kernel, Summary summary) =>
        from report in summary.Reports
        group report by report.BenchmarkCase.Parameters.PrintInfo into size
        let baseline = Nanoseconds(size.Single(report => report.BenchmarkCase.Descriptor.Baseline))
        let measured = Nanoseconds(size.Single(report => !report.BenchmarkCase.Descriptor.Baseline))
        select (string[])[kernel, size.Key, Report.Time(baseline * 1e-9), Report.Time(measured * 1e-9), Report.Number(baseline / measured)];

    private static double Nanoseconds(BenchmarkReport report) => report.ResultStatistics?.Median ?? double.NaN;
}
