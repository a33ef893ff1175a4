namespace MlNetRms.Settings;

/// <summary>Names of the columns that training reads; <paramref name="Weight"/> is null where every example weighs 1.</summary>
internal sealed record ColumnSettings(string Features, string Label, string? Weight);
