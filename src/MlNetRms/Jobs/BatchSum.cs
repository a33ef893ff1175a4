using MlNetRms.Kernels;

namespace MlNetRms.Jobs;

/// <summary>
/// Sums over the rows of a batch: the gradient Σ c·ℓ'·x, the losses Σ c·ℓ, the weights Σ c, and the number of rows. The sums of two groups of rows
/// add up to those of both; <see cref="DivideByRows"/> comes last.
/// </summary>
internal sealed class BatchSum(int gradientLength)
{
    public float[] Gradient { get; } = new float[gradientLength];

    public LossSum Losses { get; set; }

    public long RowCount { get; set; }

    /// <summary>Whether the sums are meant: there are rows in the batch, or rows that are in every batch.</summary>
    public bool HasRows { get; set; }

    public void Add(BatchSum other)
    {
        Losses += other.Losses;
        RowCount += other.RowCount;
        LinearKernels.AddScaled(Gradient, 1, other.Gradient);
    }

    /// <summary>
    /// Makes <see cref="Gradient"/> the mean gradient Σ c·ℓ'·x / B over the batch's B rows; the example weights c have mean 1 over all rows. If it
    /// were divided by the batch's own Σ c, rows in light batches would count for more than their weight says, and training would converge to
    /// another point.
    /// </summary>
    public void DivideByRows() => LinearKernels.Scale(Gradient, (float)(1.0 / RowCount));
}

/// <summary>Sum of weighted losses and sum of weights over some rows. The sums of two groups of rows add up to those of both.</summary>
internal readonly record struct LossSum(double Loss, double Weight)
{
    public double Mean => Loss / Weight;

    public static LossSum operator -(LossSum left, LossSum right) => new(left.Loss - right.Loss, left.Weight - right.Weight);

    public static LossSum operator +(LossSum left, LossSum right) => new(left.Loss + right.Loss, left.Weight + right.Weight);
}
