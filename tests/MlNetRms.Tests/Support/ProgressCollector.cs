namespace MlNetRms.Tests.Support;

/// <summary>Collects the reports of a training, in order and on the reporting thread.</summary>
internal sealed class ProgressCollector : IProgress<TrainingProgress>
{
    public List<TrainingProgress> Reports { get; } = [];

    public void Report(TrainingProgress value) => Reports.Add(value);
}
