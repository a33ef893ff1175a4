namespace MlNetRms.Settings;

/// <summary>
/// What acts on the weights besides the loss: λ of ½·λ·‖w‖² (null: decided by the data), λ₁ of λ₁·Σ|w|, a bound at 0, the largest norm of a
/// gradient.
/// </summary>
internal sealed record PenaltySettings(float? L2, float L1, bool NonNegativeWeights, float? GradientClippingNorm)
{
    /// <summary>Whether a weight whose gradient is 0 stays as it is. An L2 penalty can act where a row touches the weight.</summary>
    public bool LeavesUntouchedWeightsAlone => this is { L1: 0, NonNegativeWeights: false, GradientClippingNorm: null };

    /// <summary>Whether the weights must be stepped as they are: L1 and the bound act on each weight.</summary>
    public bool NeedsWeights => L1 > 0 || NonNegativeWeights;
}
