using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Dense sets with more columns than half the rows: R² on held-out rows.</summary>
internal static class WideSets
{
    private const int TestRows = 1000;
    private const double BelowSdca = 0.02;

    public static IEnumerable<Finding> Find(bool quick)
    {
        foreach (double correlation in new[] { 0, 0.3 })
        {
            Figures figures = Figures.Smallest(Draws.Seeds(quick).Select(seed => TestRSquared(300, 1000, correlation, relativeNoise: 0.3, seed)));
            yield return new Finding(Report.Invariant($"300 × 1000, correlation {correlation}"), "test R²", figures,
                Goal.AtLeast((figures.Sdca ?? double.NaN) - BelowSdca));
        }
        if (!quick)
        {
            yield return new Finding("5000 × 3000, correlation 0.5", "test R²",
                TestRSquared(5000, 3000, 0.5, relativeNoise: 0.08, seed: 1), Goal.AtLeast(0.88, 0.95));
        }
    }

    /// <param name="rows">Training rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="correlation">Correlation of any two columns.</param>
    /// <param name="relativeNoise">Noise in units of the standard deviation that the signal would have with uncorrelated columns.</param>
    /// <param name="seed">Seed of weights and rows.</param>
    private static Figures TestRSquared(int rows, int columns, double correlation, double relativeNoise, ulong seed)
    {
        ExampleSet all = DenseSets.Equicorrelated(rows + TestRows, columns, correlation, relativeNoise * Math.Sqrt(columns), seed, isBalanced: true);
        ExampleSet test = all.Take(rows, TestRows);
        return Contenders.Fit(all.Take(0, rows)).Measure(fit => fit.RSquared(test));
    }
}
