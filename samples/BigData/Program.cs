using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using MlNetRms;
using MlNetRms.Samples;

const string Help = """
    Trains on a file that is larger than the memory for its rows. Ctrl-C stops; the
    same command goes on from there.

    usage: dotnet run --project samples/BigData [-- options]

      --size MB       the CSV file, made once (default: 200)
      --limit MB      memory for rows, the others are in a temporary file
                      (default: 32)
      --epochs N      passes over the rows (default: 100)
      --output DIR    where the CSV file, the temporary file, the checkpoint and the
                      model bigdata.zip go (default: samples/BigData/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, BigData.Run);

/// <summary>Trains on a file that is larger than the memory it may use, and goes on after a break.</summary>
internal static class BigData
{
    private const int ExitCodeOfBreak = 130;

    public static int Run(CommandLine commandLine)
    {
        Output.Prepare();
        int size = Number(commandLine, "--size", 200);
        int limit = Number(commandLine, "--limit", 32);
        int epochs = Number(commandLine, "--epochs", 100);
        string folder = OutputFolder.Made(commandLine["--output"]);
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
            if (!File.Exists(rows))
                ProgressBar.Run(parts: 1, progress => CsvFile.Create(rows, size * 1_000_000L, progress, cancellation.Token));
            Output.Line($"{size} MB of text in {Path.GetFileName(rows)}; memory for rows: {limit} MB");
            if (File.Exists(checkpoint))
                Output.Line($"continues from {Path.GetFileName(checkpoint)}");
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
            Output.Line(File.Exists(checkpoint) ? $"stopped; training is saved in {Path.GetFileName(checkpoint)}. Run again to go on."
                : "stopped before training. Run again.");
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
        RmsPropRegressionTransformer model = ProgressBar.Run(parts: 1, progress =>
        {
            options.Progress = progress;
            return ml.Regression.Trainers.RmsProp(options).Fit(view);
        });
        TrainingReport report = model.Training;
        Output.Line($"{report.RowsUsed} rows, {report.Epochs.Count} epochs, R² {Output.Number(report.RSquared ?? double.NaN, "0.0000")}; " +
            $"reading {Output.Number(report.ReadingTime.TotalSeconds, "0.0")} s, " +
            $"training {Output.Number(report.TrainingTime.TotalSeconds, "0.0")} s");

        string path = Path.Combine(folder, "bigdata.zip");
        ml.Model.Save(model, view.Schema, path);
        OutputFolder.Wrote(path);
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
