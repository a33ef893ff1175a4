namespace MlNetRms.Settings;

/// <summary>How the rows are stored: in which units, in which order, and which of them are set aside.</summary>
internal sealed record ReadingSettings(bool Standardize, bool MayDecorrelate, bool Shuffle, int Seed, float ValidationFraction);
