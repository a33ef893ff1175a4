namespace MlNetRms.Data;

/// <summary>Where a row's record begins: the number of its chunk, and the word within it.</summary>
internal readonly record struct RecordPosition(int Chunk, int Start);
