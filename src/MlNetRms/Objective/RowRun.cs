namespace MlNetRms.Objective;

/// <summary>Rows of one part that follow each other; beyond the last row come those from the first on.</summary>
internal readonly record struct RowRun(long First, int Count);
