using Spectre.Console;

namespace MlNetRms.Samples;

/// <summary>A bar while training goes on, for one thread or several. Nothing is shown where nobody watches.</summary>
internal sealed class TrainingProgress
{
    private readonly ProgressTask? _bar;

    private TrainingProgress(ProgressTask? bar) => _bar = bar;

    /// <summary>Runs the work under a bar.</summary>
    /// <param name="parts">Parts of the work, if their number is known.</param>
    /// <param name="keep">Whether the bar stays on the screen when the work is done.</param>
    /// <param name="work">The work.</param>
    public static T Run<T>(int parts, bool keep, Func<TrainingProgress, T> work)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
            return work(new TrainingProgress(null));
        return AnsiConsole.Progress().AutoClear(!keep)
            .Start(context => work(new TrainingProgress(context.AddTask("training", maxValue: parts))));
    }

    /// <summary>Says what is under way.</summary>
    public void Describe(string text)
    {
        if (_bar is not null)
            _bar.Description = Markup.Escape(text);
    }

    /// <summary>Moves the bar on by one part.</summary>
    public void Advance() => _bar?.Increment(1);

    /// <summary>Moves the bar on by an epoch, and shows its loss.</summary>
    public void Advance(EpochReport epoch)
    {
        if (_bar is null)
            return;
        _bar.MaxValue = epoch.NumberOfEpochs;
        _bar.Value = epoch.Epoch;
        Describe(FormattableString.Invariant($"epoch {epoch.Epoch} of {epoch.NumberOfEpochs}, loss {epoch.Loss:0.000}"));
    }
}
