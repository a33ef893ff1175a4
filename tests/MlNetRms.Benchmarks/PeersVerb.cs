using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.ML.Trainers;

namespace MlNetRms.Benchmarks;

/// <summary>RmsProp compared with other ways to the same model: time, error and memory, each in separate processes.</summary>
internal static class PeersVerb
{
    private const string CsvWorkload = "1M×20";
    private const string CsvName = "1M×20, from CSV";

    /// <summary>Below this, compiled code takes more memory than the data.</summary>
    private const long SmallestComparedBytes = 1_000_000;
    private const int Passes = 3;
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(15);

    /// <summary>A process that takes longer is not repeated.</summary>
    private static readonly TimeSpan _longToRepeat = TimeSpan.FromMinutes(1);
    private static readonly string[] _columns =
        ["workload", "trainer", "fit, median", "first fit", "test RMSE", "over least squares, %", "peak, MB", "before fit, MB", "fit adds, MB",
            "fit adds / data"];

    public static void Run(Arguments arguments)
    {
        Report.Header(typeof(SdcaRegressionTrainer), typeof(MathNet.Numerics.LinearAlgebra.Matrix<>));
        IReadOnlyList<Workload> all = Workloads.All(arguments.Quick);
        Workload fromCsv = all.First(workload => workload.Name == CsvWorkload);
        string csv = Path.Combine(Path.GetTempPath(), $"mlnetrms-{Environment.ProcessId}.csv");
        Part[] parts =
        [
            .. arguments.Select([.. all.Select(workload => workload.Name), CsvName], name => name).Select(name => name == CsvName
                ? new Part(name, fromCsv, csv, [.. Peer.All.Where(peer => peer.Name != Peer.OneThread).Select(peer => new Line(peer))])
                : Cached(all.First(workload => workload.Name == name))),
        ];
        var rows = new List<string[]>();
        var notes = new List<string>();
        try
        {
            if (parts.Any(part => part.Csv is not null))
                CsvRows.Write(csv, fromCsv.Train);
            for (int pass = 0; pass < Passes; pass++)
            {
                foreach (Part part in parts)
                    part.Measure(pass, arguments.Quick);
            }
        }
        finally
        {
            File.Delete(csv);
        }
        foreach (Part part in parts)
            Add(part, rows, notes);
        Report.Table(_columns, rows, textColumns: 2);
        foreach (string note in notes)
            Console.WriteLine("- " + note);
        Console.WriteLine("""
            - Default options, except for RmsProp on the textbook's workload. Fit runs on a filled ML.NET cache, or on the CSV file. Each line
              shows the medians of three processes, one in each of three passes over the table, and each pass begins with a different trainer;
              one process if it takes more than a minute. First fit: the first fit of that size, after one of 2000 rows has compiled the code.
              Median: of at least 5 fits and at least half a second, after two seconds of warm-up; of fewer fits if they take more than 2 minutes.
            - Normal equations: summed in blocks and solved by Cholesky factorisation, all in Math.NET Numerics' managed code. Reading
              alone: reads every value once through a cursor; for the CSV file, this is the cost of parsing.
            - Peak: memory of the process up to the end of the first fit; before: its peak before that fit. Fit adds: how far the first fit
              rose above the memory held when it began, also divided by the bytes of the data (rows ×
              (features + 2) × 4, or 8 per non-zero and 16 per row).
            """);
    }

    private static Part Cached(Workload workload) =>
        new(workload.Name, workload, Csv: null, [.. Peer.All.Where(peer => peer.IsFor(workload)).Select(peer => new Line(peer))]);

    private static void Add(Part part, List<string[]> rows, List<string> notes)
    {
        List<(string Trainer, PeerResult? Result, string? Failure)> outcomes = [.. part.Lines.Select(line => line.Outcome)];
        Workload workload = part.Workload;
        if (part.Name == Workloads.Seed)
        {
            string source = workload.Rows is FileRows ? "airfoil, standardised, first 1500 rows"
                : "synthetic, because the real airfoil set is missing";
            notes.Add($"{part.Name}: {source}; batch 10, 2 epochs; RMSE on the training rows.");
            if (outcomes[0].Result?.EpochSeconds is { } seconds)
                notes.Add($"{part.Name}: an epoch of RmsProp takes {Report.Time(seconds)} (median of a long training), " +
                    "read and shuffled beforehand.");
            AddTorch(workload, outcomes, notes);
        }
        rows.AddRange(Formatted(part.Name, workload, outcomes, notes));
    }

    private static IEnumerable<string[]> Formatted(string name, Workload workload,
        IReadOnlyList<(string Trainer, PeerResult? Result, string? Failure)> outcomes, List<string> notes)
    {
        double? least = outcomes.FirstOrDefault(outcome => outcome.Trainer == Peer.LeastSquaresName).Result?.TestRmse;
        foreach ((string trainer, PeerResult? result, string? failure) in outcomes)
        {
            if (result is null)
            {
                notes.Add($"{name}, {trainer}: {failure}");
                yield return [name, trainer, "failed", .. Enumerable.Repeat("—", _columns.Length - 3)];
                continue;
            }
            yield return
            [
                name, trainer, Report.Time(result.FitSeconds), Report.Time(result.FirstFitSeconds),
                result.TestRmse?.ToString("F5", CultureInfo.InvariantCulture) ?? "—",
                (100 * (result.TestRmse / least - 1))?.ToString("F4", CultureInfo.InvariantCulture) ?? "—",
                Megabytes(result.PeakBytes), Megabytes(result.PeakBeforeBytes), result.FitBytes is { } bytes ? Megabytes(bytes) : "—",
                result.FitBytes is { } added && workload.PackedBytes >= SmallestComparedBytes
                    ? Report.Number((double)added / workload.PackedBytes) : "—",
            ];
        }
    }

    private static string Megabytes(long bytes) => bytes > 0 ? (bytes / 1e6).ToString("F0", CultureInfo.InvariantCulture) : "—";

    private static void AddTorch(Workload workload, List<(string Trainer, PeerResult? Result, string? Failure)> outcomes, List<string> notes)
    {
        const string Trainer = "PyTorch optim.RMSprop";
        const string SystemPython = "/usr/bin/python3";
        string csv = Path.Combine(Path.GetTempPath(), $"mlnetrms-torch-{Environment.ProcessId}.csv");
        try
        {
            CsvRows.Write(csv, workload.Train);
            (string output, string? failure) = ChildProcess.Run(File.Exists(SystemPython) ? SystemPython : "python3",
                [Path.Combine(AppContext.BaseDirectory, "torch_rmsprop.py"), csv], _timeout);
            if (failure is not null)
            {
                outcomes.Add((Trainer, null, failure));
                return;
            }
            using var json = JsonDocument.Parse(output);
            double epoch = Value("seconds_per_epoch");
            double rmse = Math.Sqrt(2 * Value("half_mse"));
            outcomes.Add((Trainer, new PeerResult(Value("fit_seconds"), Value("first_fit_seconds"), rmse, 0, 0, null, epoch), null));
            notes.Add($"{workload.Name}: an epoch of PyTorch {json.RootElement.GetProperty("version").GetString()} takes {Report.Time(epoch)}, " +
                "on slices of a tensor shuffled beforehand, without evaluation, on one thread; " +
                "PyTorch adds ε outside the root; its fit is 2 such epochs.");

            double Value(string name) => json.RootElement.GetProperty(name).GetDouble();
        }
        finally
        {
            File.Delete(csv);
        }
    }

    /// <summary>The trainers that are compared on one workload.</summary>
    private sealed record Part(string Name, Workload Workload, string? Csv, Line[] Lines)
    {
        public void Measure(int pass, bool quick)
        {
            // Each pass begins with a different trainer, because the first to need more memory than any before may wait for the system.
            foreach (Line line in Lines.Skip(pass).Concat(Lines.Take(pass)))
                line.Measure(Name, [Workload.Name, line.Trainer, quick ? "quick" : "full", .. Csv is null ? (string[])[] : [Csv]]);
        }
    }

    /// <summary>One trainer on one workload.</summary>
    private sealed class Line(Peer peer)
    {
        private readonly List<PeerResult> _results = [];
        private string? _failure;
        private bool _isLong;

        public string Trainer => peer.Name;

        public (string Trainer, PeerResult? Result, string? Failure) Outcome =>
            (Trainer, _failure is null ? PeerResult.Median(_results) : null, _failure);

        public void Measure(string part, string[] arguments)
        {
            if (_failure is not null || _isLong)
                return;
            Console.Error.WriteLine($"{part}, {Trainer} …");
            long start = Stopwatch.GetTimestamp();
            (string output, _failure) = ChildProcess.RunSelf([PeerChild.Verb, .. arguments], _timeout);
            if (_failure is null)
                _results.Add(JsonSerializer.Deserialize<PeerResult>(output)!);
            _isLong = Stopwatch.GetElapsedTime(start) > _longToRepeat;
        }
    }
}

/// <summary>Runs a program that prints one line.</summary>
internal static class ChildProcess
{
    /// <summary>Runs this program.</summary>
    /// <inheritdoc cref="Run" path="/returns"/>
    public static (string Output, string? Failure) RunSelf(string[] arguments, TimeSpan timeout, params (string Name, string? Value)[] environment)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        // If started as "dotnet program.dll", the program is the first argument.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            arguments = [Assembly.GetExecutingAssembly().Location, .. arguments];
        return Run(program, arguments, timeout, environment);
    }

    /// <returns>The last line it printed, and a short description of what went wrong, if anything.</returns>
    public static (string Output, string? Failure) Run(string program, IEnumerable<string> arguments, TimeSpan timeout,
        params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        try
        {
            using Process process = Process.Start(start) ?? throw new InvalidOperationException($"'{program}' did not start.");
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(timeout))
            {
                process.Kill(entireProcessTree: true);
                return ("", $"stopped after {timeout.TotalMinutes} minutes");
            }
            return process.ExitCode == 0 ? (LastLine(output.Result), null) : ("", FirstLine(errors.Result));
        }
        catch (Win32Exception)
        {
            return ("", $"there is no {Path.GetFileName(program)}");
        }
    }

    private static string LastLine(string text) => text.TrimEnd().Split('\n')[^1];

    private static string FirstLine(string text) => text.TrimStart().Split('\n')[0].Replace('|', '/').Replace("Unhandled exception. ", "").Trim();
}
