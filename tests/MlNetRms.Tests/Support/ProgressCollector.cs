namespace MlNetRms.Tests.Support;

/// <summary>Keeps what a training reports, in order and on the thread that reports.</summary>
internal sealed class ProgressCollector : IProgress<TrainingProgress>
{
    public List<TrainingProgress> Reports { get; } = [];

    public void Report(TrainingProgress value) => Reports.Add(value);
}
