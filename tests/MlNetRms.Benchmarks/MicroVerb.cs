using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MlNetRms.Benchmarks.Micro;

namespace MlNetRms.Benchmarks;

/// <summary>The kernels one by one, beside scalar code that computes the same.</summary>
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
        Job job = (arguments.Quick ? Job.Dry : Job.ShortRun).WithToolchain(InProcessEmitToolchain.DontLogOutput);
        ManualConfig config = ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "MlNetRms.Benchmarks"))
            .WithOptions(ConfigOptions.DisableLogFile);
        foreach (BenchmarkDotNet.Reports.Summary summary in kernels.Select(kernel => BenchmarkRunner.Run(kernel, config)))
            MarkdownExporter.GitHub.ExportToLog(summary, ConsoleLogger.Unicode);
    }
}
