namespace MlNetRms.Data;

/// <summary>Weighted mean and variance of one column, and how much of the rows' weight is not zero in it.</summary>
/// <param name="Mean">Mean over all rows, zeros included.</param>
/// <param name="Variance">Variance over all rows (divided by the sum of the weights).</param>
/// <param name="NonZeroWeight">Sum of the weights of the rows with another value than 0.</param>
internal readonly record struct ColumnSummary(double Mean, double Variance, double NonZeroWeight);
