namespace MlNetRms.Settings;

/// <summary>The constants of the update rule, in the notation of <see cref="RmsProp"/>.</summary>
internal sealed record RuleSettings(
    float Alpha, float Epsilon, EpsilonPlacement EpsilonPlacement, bool BiasCorrection, float Momentum, bool Centered);
