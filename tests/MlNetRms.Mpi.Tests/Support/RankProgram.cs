using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace MlNetRms.Mpi.Tests.Support;

/// <summary>The processes of one run of the ranks program; killed if they take too long.</summary>
internal sealed partial class RankProgram : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    /// <summary>Time for the launcher to end the other processes.</summary>
    private static readonly TimeSpan _timeToDie = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private RankProgram(string program, IEnumerable<string> arguments, (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // If the launcher gives the ranks a terminal, .NET would begin the output with terminal codes.
        start.Environment["TERM"] = "dumb";
        foreach ((string name, string? value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts it under a launcher.</summary>
    public static RankProgram Launch(Implementation mpi, int ranks, string[] arguments, params (string Name, string? Value)[] environment) =>
        new(mpi.Launcher, [.. mpi.Options, "-n", ranks.ToString(CultureInfo.InvariantCulture), "dotnet", Assembly, .. arguments], environment);

    /// <summary>Starts it alone.</summary>
    public static RankProgram Start(string[] arguments, params (string Name, string? Value)[] environment) =>
        new("dotnet", [Assembly, .. arguments], environment);

    /// <summary>The output of all processes so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    private static string Assembly => Path.Combine(AppContext.BaseDirectory, "MlNetRms.Mpi.Ranks.dll");

    /// <summary>Waits for the launcher and every process of the job to end; fails the test if they do not.</summary>
    /// <returns>The exit code.</returns>
    public int Wait()
    {
        Assert.True(_process.WaitForExit(_timeout), $"The job did not end within {_timeout}:\n{Output}");
        _process.WaitForExit();     // also waits for the last lines
        foreach (Match rank in ProcessOfRank().Matches(Output))
            Assert.True(HasEnded(int.Parse(rank.Groups[1].Value, CultureInfo.InvariantCulture)), $"A process was left:\n{Output}");
        return _process.ExitCode;
    }

    /// <summary>Waits until a process has written something.</summary>
    public void WaitFor(string text)
    {
        SpinWait.SpinUntil(() => Output.Contains(text, StringComparison.Ordinal) || _process.HasExited, _timeout);
        Assert.True(Output.Contains(text, StringComparison.Ordinal), $"It did not write '{text}':\n{Output}");
    }

    /// <summary>Kills one rank, as the system does if memory runs out, once every rank has printed its process id.</summary>
    public void Kill(int rank, int ranks)
    {
        Assert.True(SpinWait.SpinUntil(() => ProcessOfRank().Count(Output) == ranks, _timeout), $"The ranks did not start:\n{Output}");
        string id = Regex.Match(Output, FormattableString.Invariant($@"rank {rank} of {ranks} is process (\d+)")).Groups[1].Value;
        using Process process = Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
        process.Kill();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static bool HasEnded(int id) => SpinWait.SpinUntil(() =>
    {
        try
        {
            using var process = Process.GetProcessById(id);
            // A zombie has ended, although nobody has waited for it yet.
            return process.HasExited || process.Threads.Count == 0;
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }, _timeToDie);

    private void Append(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }

    [GeneratedRegex(@"rank \d+ of \d+ is process (\d+)")]
    private static partial Regex ProcessOfRank();
}
