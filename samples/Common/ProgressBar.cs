using Spectre.Console;

namespace MlNetRms.Samples;

/// <summary>A bar while work goes on, for one thread or several. Nothing is shown where nobody watches.</summary>
internal sealed class ProgressBar : IProgress<TrainingProgress>
{
    private readonly ProgressTask? _bar;

    private ProgressBar(ProgressTask? bar) => _bar = bar;

    /// <summary>Runs the work under a bar.</summary>
    /// <param name="parts">Parts of the work.</param>
    /// <param name="work">The work.</param>
    public static T Run<T>(int parts, Func<ProgressBar, T> work)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
            return work(new ProgressBar(null));
        return AnsiConsole.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn(),
                new RemainingTimeColumn())
            .Start(context => work(new ProgressBar(context.AddTask("starting", maxValue: parts))));
    }

    /// <summary>Says what is under way.</summary>
    public void Describe(string text)
    {
        if (_bar is not null)
            _bar.Description = Markup.Escape(text);
    }

    /// <summary>Moves the bar on by one part.</summary>
    public void Advance() => _bar?.Increment(1);

    /// <summary>Moves the bar to where the work is.</summary>
    /// <param name="text">What is under way.</param>
    /// <param name="share">How much of it is done; null where nobody knows.</param>
    public void Show(string text, double? share)
    {
        if (_bar is null)
            return;
        Describe(text);
        _bar.IsIndeterminate = share is null;
        _bar.Value = _bar.MaxValue * share.GetValueOrDefault();
    }

    /// <summary>Moves the bar to where a training is.</summary>
    public void Report(TrainingProgress value)
    {
        string loss = value.RunningLoss is { } running ? $", loss {Output.Number(running, "0.000")}" : "";
        Show(value.Phase == TrainingPhase.Reading ? $"reading, {value.Rows} rows" : $"epoch {value.Epoch} of {value.NumberOfEpochs}{loss}",
            value.ShareDone);
    }
}
