using Microsoft.ML.Trainers;

namespace MlNetRms;

/// <summary>The absolute loss |ŷ − y|, in label units: fits the conditional median.</summary>
/// <remarks>Its derivative at 0 is taken as 0. Immutable.</remarks>
public sealed class AbsoluteLoss : IRegressionLoss
{
    /// <inheritdoc/>
    public double Loss(float output, float label) => Math.Abs((double)output - label);

    /// <inheritdoc/>
    public float Derivative(float output, float label) => (output - label) switch
    {
        < 0 => -1,
        > 0 => 1,
        0 => 0,
        float residual => residual,        // NaN
    };

    /// <summary>The type and its constants.</summary>
    /// <returns>For example "AbsoluteLoss".</returns>
    public override string ToString() => nameof(AbsoluteLoss);
}
