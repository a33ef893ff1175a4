using MlNetRms.Kernels;

namespace MlNetRms.Objective;

/// <summary>
/// What a batch adds up to: the gradient Σ c·ℓ'·x, the losses Σ c·ℓ and the weights Σ c of its rows. Sums of two parts add up
/// to the sums of both; <see cref="DivideByWeight"/> comes last.
/// </summary>
internal sealed class BatchSum(int gradientLength)
{
    public float[] Gradient { get; } = new float[gradientLength];

    public LossSum Losses { get; set; }

    public void Add(BatchSum other)
    {
        Losses += other.Losses;
        LinearKernels.AddScaled(Gradient, 1, other.Gradient);
    }

    /// <summary>Makes <see cref="Gradient"/> the mean gradient Σ c·ℓ'·x / Σ c.</summary>
    public void DivideByWeight() => LinearKernels.Scale(Gradient, (float)(1 / Losses.Weight));
}
