namespace MlNetRms.Settings;

/// <summary>
/// How the rows are stored: in which units, in which order, which of them are set aside, and how many bytes of them may be in memory (null: all)
/// before the others go to a file in the folder (null: the system's).
/// </summary>
internal sealed record ReadingSettings(
    bool Standardize, bool MayDecorrelate, bool Shuffle, int Seed, float ValidationFraction, int NumberOfThreads,
    long? MemoryLimit, string? TemporaryDirectory);
