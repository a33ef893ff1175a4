namespace MlNetRms.Objective;

/// <summary>Sum of weighted losses and sum of weights over some rows; those of two parts add up to those of both.</summary>
internal readonly record struct LossSum(double Loss, double Weight)
{
    public double Mean => Loss / Weight;

    public static LossSum operator -(LossSum left, LossSum right) => new(left.Loss - right.Loss, left.Weight - right.Weight);

    public static LossSum operator +(LossSum left, LossSum right) => new(left.Loss + right.Loss, left.Weight + right.Weight);
}
