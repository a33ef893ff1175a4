using MlNetRms.Data;

namespace MlNetRms.Training;

/// <summary>How unequal the example weights are.</summary>
/// <param name="Largest">The largest.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="RowCount">Rows.</param>
/// <param name="EffectiveRows">(Σ c)² / Σ c²: so many rows of equal weight would say as much (Kish 1965).</param>
internal sealed record ExampleWeights(double Largest, double Mean, long RowCount, double EffectiveRows)
{
    private const double FewRows = 10;
    private const double SmallShare = 0.1;

    /// <summary>Whether a few rows decide the model.</summary>
    public bool AreDominated => EffectiveRows < Math.Min(FewRows, SmallShare * RowCount);

    /// <summary>Of the training rows; null where all weigh the same.</summary>
    public static ExampleWeights? Of(TrainingRows rows)
    {
        if (rows.Layout.WeightLane is null)
            return null;
        double largest = 0;
        double sum = 0;
        double squares = 0;
        for (long row = 0; row < rows.Training.RowCount; row++)
        {
            double weight = rows.Training.Weight(rows.Training.DenseRows(row, 1));
            largest = Math.Max(largest, weight);
            sum += weight;
            squares += weight * weight;
        }
        return new ExampleWeights(largest * rows.MeanWeight, rows.MeanWeight, rows.Training.RowCount, sum * sum / squares);
    }
}
