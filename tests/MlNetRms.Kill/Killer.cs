using System.Collections.Concurrent;
using System.Diagnostics;

namespace MlNetRms.Kill;

/// <summary>Each case: a training killed at a random moment, then one that goes on from what is left.</summary>
internal sealed class Killer(int cases)
{
    private const int Workers = 2;
    private const int Seed = 1;

    private readonly ConcurrentBag<string> _failures = [];
    private readonly ConcurrentBag<string> _stages = [];
    private string _expected = "";
    private TimeSpan _duration;

    public int Run()
    {
        var start = Stopwatch.StartNew();
        Prepare();
        double[] moments = Moments();
        Parallel.For(0, cases, new ParallelOptions { MaxDegreeOfParallelism = Workers }, number => RunCase(number, moments[number]));

        foreach (string failure in _failures)
            Console.WriteLine(failure);
        foreach (IGrouping<string, string> stage in _stages.GroupBy(stage => stage).OrderBy(stage => stage.Key))
            Console.WriteLine($"Killed {stage.Count()} times {stage.Key}.");
        Console.WriteLine($"{cases - _failures.Count} of {cases} ended with the bits of the unbroken training and without a file left, in {start.Elapsed.TotalSeconds:f0} s.");
        // As the test runner prints it.
        Console.WriteLine($"Failed: {_failures.Count}, Passed: {cases - _failures.Count}, Skipped: 0, Total: {cases}");
        return _failures.IsEmpty ? 0 : 1;
    }

    /// <summary>The model of a training that nothing happens to, and how long it takes.</summary>
    private void Prepare()
    {
        var times = new List<TimeSpan>();
        for (int i = 0; i < 3; i++)
        {
            string folder = Directory.CreateTempSubdirectory("mlnetrms-kill-").FullName;
            var clock = Stopwatch.StartNew();
            using Process process = Start(folder);
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            times.Add(clock.Elapsed);
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"The training ended with {process.ExitCode}: {process.StandardError.ReadToEnd()}");
            if (i > 0 && Hash(output) != _expected)
                throw new InvalidOperationException("Two unbroken trainings have different models.");
            _expected = Hash(output);
            if (i == 0)
                Console.WriteLine($"The temporary file for rows has {output.Split(' ')[1].Trim()} bytes.");
            Directory.Delete(folder, recursive: true);
        }
        _duration = times.Order().ElementAt(1);
        Console.WriteLine($"An unbroken training takes {_duration.TotalSeconds:f2} s.");
    }

    /// <summary>One in each of as many equal parts of the duration.</summary>
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
            // One that was faster than expected is killed earlier the next time.
            while (!Kill(folder, moment * _duration))
                moment *= 0.9;
            _stages.Add(Stage(folder));
            using Process process = Start(folder);
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            string[] left = Directory.GetFileSystemEntries(folder);
            if (process.ExitCode != 0 || Hash(output) != _expected)
                _failures.Add($"Case {number}, killed at {moment:f3}: ended with {process.ExitCode}, model {Hash(output)}, not {_expected}. {errors.Result}");
            else if (left.Length > 0)
                _failures.Add($"Case {number}, killed at {moment:f3}: left {string.Join(", ", left)}.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <returns>Whether it was still running.</returns>
    private static bool Kill(string folder, TimeSpan after)
    {
        using Process process = Start(folder);
        if (process.WaitForExit(after))
            return false;
        process.Kill();
        process.WaitForExit();
        return process.ExitCode != 0;
    }

    /// <summary>What the files say about where it was.</summary>
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
