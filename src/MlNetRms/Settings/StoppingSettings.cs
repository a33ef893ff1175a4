namespace MlNetRms.Settings;

/// <summary>When early stopping ends a training; see <see cref="EarlyStopping"/>.</summary>
internal sealed record StoppingSettings(int Patience, float MinimumImprovement);
