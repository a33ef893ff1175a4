namespace MlNetRms.Rules;

/// <summary>The numbers of one step that are the same for every coordinate.</summary>
/// <param name="LearningRate">η, already taken from the schedule.</param>
/// <param name="Alpha">α, the weight of the old mean square.</param>
/// <param name="Momentum">μ; 0 for none.</param>
/// <param name="EpsilonInside">Added to ŝ under the root; 0 when epsilon is outside.</param>
/// <param name="EpsilonOutside">Added to the root; 0 when epsilon is inside.</param>
/// <param name="Correction">1 / (1 − αᵗ) with bias correction, else 1.</param>
/// <param name="Centered">Whether to divide by the standard deviation of the gradient instead of its root mean square.</param>
internal readonly record struct StepCoefficients(
    float LearningRate, float Alpha, float Momentum, float EpsilonInside, float EpsilonOutside, float Correction, bool Centered);
