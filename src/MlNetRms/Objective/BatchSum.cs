using MlNetRms.Kernels;

namespace MlNetRms.Objective;

/// <summary>
/// What a batch adds up to: the gradient Σ c·ℓ'·x, the losses Σ c·ℓ and the weights Σ c of its rows, and their number. Sums of two
/// parts add up to the sums of both; <see cref="DivideByRows"/> comes last.
/// </summary>
internal sealed class BatchSum(int gradientLength)
{
    public float[] Gradient { get; } = new float[gradientLength];

    public LossSum Losses { get; set; }

    public long RowCount { get; set; }

    public void Add(BatchSum other)
    {
        Losses += other.Losses;
        RowCount += other.RowCount;
        LinearKernels.AddScaled(Gradient, 1, other.Gradient);
    }

    /// <summary>
    /// Makes <see cref="Gradient"/> the mean gradient Σ c·ℓ'·x / B over the batch's B rows; the example weights c have mean 1 over all rows.
    /// Divided by the batch's own Σ c, rows in light batches would count more than their weight says, and training would converge
    /// to another point, however long it runs.
    /// </summary>
    public void DivideByRows() => LinearKernels.Scale(Gradient, (float)(1.0 / RowCount));
}
