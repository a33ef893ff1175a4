using Spectre.Console;

namespace MlNetRms.Samples;

/// <summary>A bar while training goes on, for one thread or several. Nothing is shown where nobody watches.</summary>
internal sealed class ProgressBar : IProgress<TrainingProgress>
{
    private readonly ProgressTask? _bar;

    private ProgressBar(ProgressTask? bar) => _bar = bar;

    /// <summary>Runs the work under a bar.</summary>
    /// <param name="parts">Parts of the work, if their number is known.</param>
    /// <param name="keep">Whether the bar stays on the screen when the work is done.</param>
    /// <param name="work">The work.</param>
    public static T Run<T>(int parts, bool keep, Func<ProgressBar, T> work)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
            return work(new ProgressBar(null));
        return AnsiConsole.Progress().AutoClear(!keep)
            .Start(context => work(new ProgressBar(context.AddTask("training", maxValue: parts))));
    }

    /// <summary>Says what is under way.</summary>
    public void Describe(string text)
    {
        if (_bar is not null)
            _bar.Description = Markup.Escape(text);
    }

    /// <summary>Moves the bar on by one part.</summary>
    public void Advance() => _bar?.Increment(1);

    /// <summary>Moves the bar to where a training is.</summary>
    public void Report(TrainingProgress value)
    {
        if (_bar is null)
            return;
        _bar.IsIndeterminate = value.ShareDone is null;
        _bar.Value = _bar.MaxValue * value.ShareDone.GetValueOrDefault();
        Describe(value.Phase == TrainingPhase.Reading ? $"reading, {value.Rows} rows"
            : FormattableString.Invariant($"epoch {value.Epoch} of {value.NumberOfEpochs}, loss {value.RunningLoss:0.000}"));
    }
}
