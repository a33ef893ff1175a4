namespace MlNetRms.Settings;

/// <summary>Where (a full path) and how often a training is saved while it runs, and whether the file stays at its end.</summary>
internal sealed record CheckpointSettings(string Path, int? EveryEpochs, TimeSpan Interval, bool Keep);
