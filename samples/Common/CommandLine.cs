using System.Text.RegularExpressions;

namespace MlNetRms.Samples;

/// <summary>The user asked for something that cannot be done; the message is one line that names it.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The options of a sample, each a name followed by a value.</summary>
internal sealed partial class CommandLine
{
    private readonly Dictionary<string, string> _values = [];

    private CommandLine()
    {
    }

    /// <summary>The value of an option, or null if it was not given.</summary>
    public string? this[string option] => _values.GetValueOrDefault(option);

    /// <summary>Runs a sample; what the user can mend becomes one line on standard error.</summary>
    /// <param name="arguments">The program's arguments.</param>
    /// <param name="help">What --help prints. Its lines that begin with "--" are the options that the sample knows.</param>
    /// <param name="sample">The sample; returns its exit code.</param>
    /// <returns>The exit code: the sample's own, or 2 for bad arguments and for files that cannot be read or written.</returns>
    public static int Run(string[] arguments, string help, Func<CommandLine, int> sample)
    {
        if (arguments.Contains("--help"))
        {
            Console.WriteLine(help);
            return 0;
        }
        try
        {
            return sample(Parse(arguments, [.. OptionLine().Matches(help).Select(line => line.Groups[1].Value)]));
        }
        catch (Exception problem) when (problem is UsageException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(problem.Message.ReplaceLineEndings(" "));
            return 2;
        }
    }

    private static CommandLine Parse(string[] arguments, string[] options)
    {
        var commandLine = new CommandLine();
        string known = $"known are {string.Join(", ", options)}";
        for (int position = 0; position < arguments.Length; position += 2)
        {
            string option = arguments[position];
            if (!options.Contains(option))
                throw new UsageException($"Unknown option '{option}'; {known}.");
            if (position + 1 == arguments.Length || arguments[position + 1].Length == 0)
                throw new UsageException($"Option '{option}' needs a value; {known}.");
            if (!commandLine._values.TryAdd(option, arguments[position + 1]))
                throw new UsageException($"Option '{option}' is given twice.");
        }
        return commandLine;
    }

    [GeneratedRegex("^ *(--[a-z]+)", RegexOptions.Multiline)]
    private static partial Regex OptionLine();
}
