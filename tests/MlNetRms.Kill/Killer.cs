using System.Diagnostics;

namespace MlNetRms.Kill;

/// <summary>Each case kills a training at a random moment and continues it from its files.</summary>
internal sealed class Killer(int cases)
{
    private const int Seed = 1;
    private const int UnbrokenRuns = 5;

    private readonly List<string> _failures = [];
    private readonly List<string> _stages = [];
    private string _expected = "";
    private TimeSpan _duration;

    public int Run()
    {
        var start = Stopwatch.StartNew();
        Prepare();
        double[] moments = Moments();
        for (int number = 0; number < cases; number++)
            RunCase(number, moments[number]);

        foreach (string failure in _failures)
            Console.WriteLine(failure);
        foreach (IGrouping<string, string> stage in _stages.GroupBy(stage => stage).OrderBy(stage => stage.Key))
            Console.WriteLine($"Killed {stage.Count()} times {stage.Key}.");
        Console.WriteLine($"{cases - _failures.Count} of {cases} ended with the bits of the unbroken training and without a file left, in {start.Elapsed.TotalSeconds:f0} s.");
        // In the format of the test runner.
        Console.WriteLine($"Failed: {_failures.Count}, Passed: {cases - _failures.Count}, Skipped: 0, Total: {cases}");
        return _failures.Count == 0 ? 0 : 1;
    }

    /// <summary>The model of an uninterrupted training, and its duration.</summary>
    private void Prepare()
    {
        (TimeSpan Duration, string Output)[] runs = [.. Enumerable.Range(0, UnbrokenRuns).Select(_ => RunUnbroken())];
        _expected = Hash(runs[0].Output);
        if (Array.Exists(runs, run => Hash(run.Output) != _expected))
            throw new InvalidOperationException("Unbroken trainings have different models.");
        _duration = runs.Select(run => run.Duration).Order().ElementAt(UnbrokenRuns / 2);
        Console.WriteLine($"An unbroken training takes {_duration.TotalSeconds:f2} s; its temporary file for rows has " +
            $"{runs[0].Output.Split(' ')[1].Trim()} bytes.");
    }

    private static (TimeSpan Duration, string Output) RunUnbroken()
    {
        string folder = Directory.CreateTempSubdirectory("mlnetrms-kill-").FullName;
        try
        {
            var clock = Stopwatch.StartNew();
            using Process process = Start(folder);
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? (clock.Elapsed, output)
                : throw new InvalidOperationException($"The training ended with {process.ExitCode}: {errors.Result}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Random moments, one in each of equal parts of the duration.</summary>
    private double[] Moments()
    {
        var random = new Random(Seed);
        return [.. Enumerable.Range(0, cases).Select(number => (number + random.NextDouble()) / cases)];
    }

    private void RunCase(int number, double moment)
    {
        string folder = Directory.CreateTempSubdirectory("mlnetrms-kill-").FullName;
        try
        {
            // If the training ended first, the next attempt kills it earlier.
            while (!Kill(folder, moment * _duration))
                moment *= 0.9;
            _stages.Add(Stage(folder));
            using Process process = Start(folder);
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            string[] left = Directory.GetFileSystemEntries(folder);
            if (process.ExitCode != 0 || Hash(output) != _expected)
                _failures.Add($"Case {number}, killed at {moment:f3}: ended with {process.ExitCode}, model {Hash(output)}, not {_expected}. " +
                    $"{errors.Result}");
            else if (left.Length > 0)
                _failures.Add($"Case {number}, killed at {moment:f3}: left {string.Join(", ", left)}.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <returns>Whether the process was still running.</returns>
    private static bool Kill(string folder, TimeSpan after)
    {
        using Process process = Start(folder);
        if (process.WaitForExit(after))
            return false;
        process.Kill();
        process.WaitForExit();
        return process.ExitCode != 0;
    }

    /// <summary>The phase of the training, from its files.</summary>
    private static string Stage(string folder)
    {
        string checkpoint = Path.Combine(folder, Training.Checkpoint);
        bool isWriting = File.Exists(checkpoint + ".tmp");
        if (!File.Exists(checkpoint))
            return isWriting ? "while it wrote the first checkpoint" : "before the first checkpoint: starting, reading or spilling rows";
        return isWriting ? "while it wrote a later checkpoint" : "while it trained between checkpoints";
    }

    private static string Hash(string output) => output.Split(' ')[0];

    private static Process Start(string folder)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        return Process.Start(new ProcessStartInfo(program, [Training.Verb, folder]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }
}
