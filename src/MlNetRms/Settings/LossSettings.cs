namespace MlNetRms.Settings;

/// <summary>The loss of one row as a function of prediction and label, both in label units.</summary>
/// <param name="Name">What distinguishes the loss from others: its type and its constants.</param>
/// <param name="IsSquared">Whether training may compute with half the squared residual, which has the same minimiser.</param>
/// <param name="Value">The loss.</param>
/// <param name="Derivative">Its derivative by the prediction.</param>
internal sealed record LossSettings(string Name, bool IsSquared, Func<float, float, double> Value, Func<float, float, float> Derivative)
{
    /// <summary>Half the squared residual.</summary>
    public static LossSettings HalfSquared { get; } = new("half squared residual", IsSquared: true,
        (prediction, label) => 0.5 * ((double)prediction - label) * ((double)prediction - label), (prediction, label) => prediction - label);
}
