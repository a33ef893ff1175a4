using System.Diagnostics;
using Microsoft.ML;
using MlNetRms.Benchmarks.Accuracy;
using MlNetRms.Benchmarks.Accuracy.Oracles;
using MlNetRms.Jobs;
using MlNetRms.Mpi;

namespace MlNetRms.Benchmarks;

/// <summary>
/// Cost of a step over several processes, step = serial + row·B/n + exchange, with each term measured; the batch size from which n processes are
/// faster; the accuracy of larger batches. Start it with an MPI launcher.
/// </summary>
internal static class ScaleVerb
{
    private const int Parts = 8;
    private const int SmallBatch = 512;
    private const int LargeBatch = 8192;
    private const int Repeats = 5;
    private const double NetworkLatency = 10e-6;
    private const double NetworkBytesPerSecond = 1.25e9;

    public static void Run(Arguments arguments) => MpiJob.Run(job =>
    {
        if (job.Rank == 0)
            Report.Header(typeof(MpiJob));
        Cost[] costs = [.. (arguments.Quick ? [10] : new[] { 10, 100, 1000 })
            .Select(columns => Measure(job, columns, arguments.Quick ? 20_000 : 12_000_000 / columns))];
        string[][] accuracy = Accuracy(job, arguments.Quick ? 20_000 : 100_000, columns: 100, arguments.Quick ? [256] : [256, 1024, 4096, 16384]);
        if (job.Rank > 0)
            return;
        Report.Table(
            [
                "columns", "row", "serial", $"exchange, {job.Size} ranks", $"step of {LargeBatch}, 1 rank", $"{job.Size} ranks", "predicted",
                "faster from batch",
            ],
            [.. costs.Select(cost => cost.Row(job.Size))]);
        Console.WriteLine($"""
            {job.Size} ranks of {job.LibraryVersion}; medians of {Repeats}. Predicted: serial + row · {LargeBatch} / ranks + exchange.

            """);
        int[] sizes = [8, 64, 1024];
        Report.Table(["columns", "batch", .. sizes.Select(size => $"{size} ranks")],
            [.. costs.SelectMany(cost => new[] { 8192, 131072 }.Select(batch =>
                (string[])[$"{cost.Columns}", $"{batch}", .. sizes.Select(size => Report.Number(cost.SpeedUp(batch, size)))]))]);
        Console.WriteLine("""
            Speed-up of a step over one process, computed (not measured) for a network of 10 µs and 10 Gbit/s, on which an exchange takes
            2·log₂(ranks) messages and twice the bytes.

            """);
        Report.Table(["batch", "epochs", "steps", "RMSE above least squares, %", "training"], accuracy);
        Console.WriteLine($"100k×100, {job.Size} ranks, {Parts} parts, other options default; " +
            "two lines per batch size: automatic epochs, and the number for 256.");
    });

    private static Cost Measure(MpiCollective job, int columns, int rows)
    {
        IDataView[] all = Views(new SyntheticRows(rows, columns));
        double small = 0, large = 0;
        if (job.Rank == 0)
        {
            small = StepTime(LocalCollective.Instance, all, SmallBatch);
            large = StepTime(LocalCollective.Instance, all, LargeBatch);
        }
        job.Barrier();
        double together = StepTime(job, [.. job.ShareOf(all)], LargeBatch);
        double aRow = (large - small) / (LargeBatch - SmallBatch);
        return new Cost(columns, aRow, Math.Max(0, small - aRow * SmallBatch), Exchange(job, columns), large, together);
    }

    private static double StepTime(ICollective collective, IDataView[] parts, int batch) => Median(() =>
    {
        TrainingReport report = Fit(collective, parts, new() { BatchSize = batch, NumberOfEpochs = batch == LargeBatch ? 4 : 1 });
        return report.TrainingTime.TotalSeconds / report.TotalSteps;
    });

    /// <summary>Time of the all-reduce of a step: two numbers per parameter, and a few more.</summary>
    private static double Exchange(MpiCollective job, int columns)
    {
        const int Calls = 1000;
        var values = new double[2 * columns + AllReduce.TailLength];
        return Median(() =>
        {
            job.Barrier();
            long start = Stopwatch.GetTimestamp();
            for (int call = 0; call < Calls; call++)
                job.AllReduceSum(values);
            return Stopwatch.GetElapsedTime(start).TotalSeconds / Calls;
        });
    }

    private static string[][] Accuracy(MpiCollective job, int count, int columns, int[] batches)
    {
        var rows = new SyntheticRows(count, columns);
        ExampleSet examples = ExampleSet.From(rows);
        LinearFit best = ExactLeastSquares.Solve(examples).Fit;
        IDataView[] own = [.. job.ShareOf(Views(rows))];
        int fewEpochs = Fit(job, own, new() { BatchSize = 256 }).Epochs.Count;
        return [.. batches.SelectMany(batch => new int?[] { null, fewEpochs }.Select(epochs =>
        {
            TrainingReport report = Fit(job, own, new() { BatchSize = batch, NumberOfEpochs = epochs });
            double excess = 100 * (Math.Sqrt(2 * report.TrainingLoss) / best.Rmse(examples) - 1);
            return (string[])[$"{batch}", $"{report.Epochs.Count}", $"{report.TotalSteps}", Report.Number(excess),
                Report.Time(report.TrainingTime.TotalSeconds)];
        }))];
    }

    private static TrainingReport Fit(ICollective collective, IDataView[] parts, RmsPropRegressionTrainer.Options options)
    {
        (options.Collective, options.NumberOfThreads) = (collective, 1);
        return new MLContext(1).Regression.Trainers.RmsProp(options).FitParts(parts).Training;
    }

    private static IDataView[] Views(SyntheticRows rows) =>
        [.. Enumerable.Range(0, Parts).Select(part => new RowView(new RowRange(rows, part * (rows.Count / Parts), rows.Count / Parts)))];

    private static double Median(Func<double> measure)
    {
        measure();      // compiles the code
        double[] times = [.. Enumerable.Range(0, Repeats).Select(_ => measure()).Order()];
        return times[Repeats / 2];
    }

    /// <summary>Seconds of the terms of a step, and of a step of the large batch in one process and in all.</summary>
    private sealed record Cost(int Columns, double ARow, double Serial, double Exchange, double Alone, double Together)
    {
        public string[] Row(int ranks) =>
        [
            $"{Columns}", Report.Time(ARow), Report.Time(Serial), Report.Time(Exchange), Report.Time(Alone), Report.Time(Together),
            Report.Time(Serial + ARow * LargeBatch / ranks + Exchange), ranks == 1 ? "—" : Report.Number(Exchange / (ARow * (1 - 1.0 / ranks))),
        ];

        public double SpeedUp(int batch, int ranks)
        {
            double exchange = 2 * Math.Log2(ranks) * NetworkLatency +
                2 * sizeof(double) * (2.0 * Columns + AllReduce.TailLength) / NetworkBytesPerSecond;
            return (Serial + ARow * batch) / (Serial + ARow * batch / ranks + exchange);
        }
    }
}
