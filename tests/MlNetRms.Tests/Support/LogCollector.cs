using Microsoft.ML.Runtime;

namespace MlNetRms.Tests.Support;

/// <summary>Collects what an MLContext logs about the trainer.</summary>
internal sealed class LogCollector
{
    private readonly List<LoggingEventArgs> _events = [];

    public LogCollector(MLContext ml) => ml.Log += (_, entry) =>
    {
        lock (_events)
            _events.Add(entry);
    };

    public string[] Messages(ChannelMessageKind kind)
    {
        lock (_events)
            return _events.Where(entry => entry.Kind == kind && entry.Source.Contains(nameof(RmsPropRegressionTrainer), StringComparison.Ordinal))
                .Select(entry => entry.RawMessage).ToArray();
    }
}
