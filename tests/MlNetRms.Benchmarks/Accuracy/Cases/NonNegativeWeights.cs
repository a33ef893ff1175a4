using MlNetRms.Benchmarks.Accuracy.Oracles;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Non-negative weights, compared with the exact solution: which bounds are active, and the loss.</summary>
internal static class NonNegativeWeights
{
    private static readonly (int Columns, double Correlation)[] _sets = [(20, 0), (20, 0.5), (50, 0.5)];

    public static IEnumerable<Finding> Find(bool quick)
    {
        foreach ((int columns, double correlation) in _sets)
        {
            string name = Report.Invariant($"non-negative weights, 2000 × {columns}, correlation {correlation}");
            var missed = new List<Figures>();
            var excess = new List<Figures>();
            foreach (ulong seed in Draws.Seeds(quick))
            {
                ExampleSet training = DenseSets.Equicorrelated(rows: 2000, columns, correlation, noise: 1, seed, isBalanced: true);
                LinearFit exact = NonNegativeLeastSquares.Solve(training);
                LinearFit fit = Contenders.FitRmsProp(training, new() { NonNegativeWeights = true });
                missed.Add(new(exact.Weights.Zip(fit.Weights).Count(pair => pair.First == 0 && pair.Second != 0)));
                excess.Add(new(100 * (Math.Pow(fit.Rmse(training) / exact.Rmse(training), 2) - 1)));
            }
            yield return new Finding(name, "weights not 0 that should be", Figures.Largest(missed), Goal.AtMost(0));
            yield return new Finding(name, "excess of loss, %", Figures.Largest(excess), Goal.AtMost(0.05));
        }
    }
}
