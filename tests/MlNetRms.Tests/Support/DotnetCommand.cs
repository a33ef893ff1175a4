using System.Diagnostics;

namespace MlNetRms.Tests.Support;

/// <summary>Runs the .NET command line as from a user's shell, without the environment variables of the test run.</summary>
internal static class DotnetCommand
{
    /// <summary>The result of a command.</summary>
    public sealed record Outcome(int ExitCode, string Output, string Errors);

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(5);

    /// <summary>The output of the command; fails the test unless the exit code is 0.</summary>
    public static string Run(string workingDirectory, params string[] arguments)
    {
        Outcome outcome = Try(workingDirectory, arguments);
        Assert.True(outcome.ExitCode == 0,
            $"dotnet {string.Join(' ', arguments)} ended with {outcome.ExitCode}:\n{outcome.Output}\n{outcome.Errors}");
        return outcome.Output;
    }

    /// <summary>The result of the command; fails the test if it does not end.</summary>
    public static Outcome Try(string workingDirectory, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in start.Environment.Keys.Where(IsOfTheTestRun).ToArray())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_timeout))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"dotnet {string.Join(' ', arguments)} did not end within {_timeout}.");
        }
        return new Outcome(process.ExitCode, output.Result, errors.Result);
    }

    private static bool IsOfTheTestRun(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
        || name is "DOTNET_EnableAVX2" or "DOTNET_EnableHWIntrinsic" or "DOTNET_MaxVectorTBitWidth" or "DOTNET_HOST_PATH";
}
