namespace MlNetRms.Settings;

/// <summary>What acts on the weights besides the loss: λ of ½·λ·‖w‖², λ₁ of λ₁·Σ|w|, a bound at 0, the largest norm of a gradient.</summary>
internal sealed record PenaltySettings(float L2, float L1, bool NonNegativeWeights, float? GradientClippingNorm)
{
    /// <summary>Whether a weight whose gradient is 0 stays as it is.</summary>
    public bool LeavesUntouchedWeightsAlone => this is { L2: 0, L1: 0, NonNegativeWeights: false, GradientClippingNorm: null };
}
