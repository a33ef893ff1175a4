using Spectre.Console;

namespace MlNetRms.Samples;

/// <summary>A bar while several trainers are fitted one after the other. Nothing is shown where nobody watches.</summary>
internal sealed class TrainingProgress
{
    private readonly ProgressTask? _bar;

    private TrainingProgress(ProgressTask? bar) => _bar = bar;

    /// <summary>Runs the work under a bar of so many parts.</summary>
    public static void Run(int parts, Action<TrainingProgress> work)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
            work(new TrainingProgress(null));
        else
            AnsiConsole.Progress().AutoClear(true).Start(context => work(new TrainingProgress(context.AddTask("training", maxValue: parts))));
    }

    /// <summary>Names the part that begins.</summary>
    public void Begin(string name)
    {
        if (_bar is not null)
            _bar.Description = Markup.Escape(name);
    }

    /// <summary>Moves the bar on by a share of the part that is under way.</summary>
    public void Advance(double share) => _bar?.Increment(share);
}
