using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using MlNetRms;
using MlNetRms.Samples;

return CommandLine.Run(args, ["--size MB", "--limit MB", "--epochs N", "--folder DIR"], BigData.Run);

/// <summary>Trains on a file that is larger than the memory it may use, and goes on after a break.</summary>
internal static class BigData
{
    private const int ExitCodeOfBreak = 130;

    public static int Run(CommandLine commandLine)
    {
        Output.Prepare();
        int size = Number(commandLine, "--size", 50);
        int limit = Number(commandLine, "--limit", 8);
        int epochs = Number(commandLine, "--epochs", 10);
        string folder = Directory.CreateDirectory(commandLine["--folder"] ?? Path.Combine(Path.GetTempPath(), "mlnetrms-bigdata")).FullName;
        string rows = Path.Combine(folder, $"rows-{size}.csv");
        string checkpoint = Path.Combine(folder, $"training-{size}-{epochs}.checkpoint");

        using var cancellation = new CancellationTokenSource();
        ConsoleCancelEventHandler stop = (_, pressed) =>
        {
            // The first ctrl-C stops cleanly, the second one at once.
            pressed.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        };
        Console.CancelKeyPress += stop;
        try
        {
            CsvFile.Create(rows, size * 1_000_000L, cancellation.Token);
            Output.Line($"{rows}: {size} MB of text; memory for rows: {limit} MB");
            if (File.Exists(checkpoint))
                Output.Line($"continues from {checkpoint}");
            Train(rows, folder, new RmsPropRegressionTrainer.Options
            {
                NumberOfEpochs = epochs,
                MemoryLimitInBytes = limit * 1_000_000L,
                TemporaryDirectory = folder,
                Checkpoint = new CheckpointOptions { Path = checkpoint, Interval = TimeSpan.FromSeconds(10) },
                CancellationToken = cancellation.Token,
            });
            return 0;
        }
        catch (OperationCanceledException)
        {
            Output.Line(File.Exists(checkpoint) ? $"stopped; training is saved in {checkpoint}. Run again to go on." : "stopped before training. Run again.");
            return ExitCodeOfBreak;
        }
        finally
        {
            Console.CancelKeyPress -= stop;
        }
    }

    private static void Train(string rows, string folder, RmsPropRegressionTrainer.Options options)
    {
        var ml = new MLContext(seed: 1);
        IDataView view = CsvFile.View(ml, rows);
        RmsPropRegressionTransformer model = ProgressBar.Run(parts: 1, keep: true, progress =>
        {
            options.Progress = progress;
            return ml.Regression.Trainers.RmsProp(options).Fit(view);
        });
        TrainingReport report = model.Training;
        Output.Line($"{report.RowsUsed} rows, {report.Epochs.Count} epochs, R² {Output.Number(report.RSquared ?? double.NaN, "0.0000")}; " +
            $"reading {Output.Number(report.ReadingTime.TotalSeconds, "0.0")} s, training {Output.Number(report.TrainingTime.TotalSeconds, "0.0")} s");

        string path = Path.Combine(folder, "bigdata.zip");
        ml.Model.Save(model, view.Schema, path);
        Output.Wrote(path);
        using var process = Process.GetCurrentProcess();
        Output.Line($"peak memory of the process: {process.PeakWorkingSet64 / 1_000_000} MB");
    }

    private static int Number(CommandLine commandLine, string option, int usual)
    {
        if (commandLine[option] is not { } text)
            return usual;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number
            : throw new UsageException($"Option '{option}' needs a whole number above 0; '{text}' is none.");
    }
}
