using MlNetRms.Benchmarks.Accuracy.Oracles;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Steps divided by the gradient's standard deviation, with smaller and smaller ε.</summary>
internal static class CenteredSteps
{
    public static IEnumerable<Finding> Find(bool quick) =>
        from epsilon in new[] { 1e-2f, 1e-4f, 1e-6f }
        select new Finding(Report.Invariant($"Centered, epsilon {epsilon:0e0}"), "excess, %", Figures.Largest(Draws.Seeds(quick).Select(seed =>
        {
            ExampleSet training = DenseSets.Equicorrelated(rows: 1500, columns: 5, correlation: 0.5, noise: 0.1, seed);
            LinearFit least = ExactLeastSquares.Solve(training).Fit;
            return new Figures(Contenders.FitRmsProp(training, new() { Centered = true, Epsilon = epsilon }).ExcessPercent(training, least));
        })), Goal.AtMost(0.1));
}
