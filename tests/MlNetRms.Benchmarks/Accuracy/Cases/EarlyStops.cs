using Microsoft.ML.Trainers;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Test RMSE with early stopping, divided by test RMSE without; all other options are the same.</summary>
internal static class EarlyStops
{
    private const int TestRows = 5000;
    private const float ValidationFraction = 0.2f;
    private static readonly Goal _goal = Goal.AtMost(1.02);
    private static readonly int[] _patience = [5, 20];

    private static readonly (string Name, Func<IRegressionLoss?> New)[] _losses =
        [("squared", () => null), ("Huber", () => new HuberLoss(1)), ("absolute", () => new AbsoluteLoss())];

    public static IEnumerable<Finding> Find(bool quick)
    {
        foreach (int rows in quick ? [1000] : new[] { 1000, 6000, 60_000 })
        {
            ExampleSet all = DenseSets.Equicorrelated(rows + TestRows, columns: 10, correlation: 0.8, noise: 0.2, seed: 1);
            foreach (Finding finding in Compare($"{rows} × 10", all.Take(0, rows), all.Take(rows, TestRows), _losses))
                yield return finding;
        }
        (ExampleSet training, ExampleSet test) = SparseSets.Featurized(SparseSets.Documents(1000, 100, seed: 1), Texts.FeaturizeText);
        foreach (Finding finding in Compare("FeaturizeText, 1000 × 100 words", training, test, _losses.Take(1)))
            yield return finding;
    }

    private static IEnumerable<Finding> Compare(string name, ExampleSet training, ExampleSet test,
        IEnumerable<(string Name, Func<IRegressionLoss?> New)> losses)
    {
        foreach ((string loss, Func<IRegressionLoss?> newLoss) in losses)
        {
            double without = TestRmse(null);
            foreach (int patience in _patience)
            {
                yield return new Finding($"early stopping, {name}, {loss} loss, patience {patience}", "test RMSE, ratio",
                    new Figures(TestRmse(new EarlyStopping { Patience = patience }) / without), _goal);
            }

            double TestRmse(EarlyStopping? stopping) => Contenders.FitRmsProp(training, new()
            {
                LossFunction = newLoss(),
                ValidationFraction = ValidationFraction,
                EarlyStopping = stopping,
            }).Rmse(test);
        }
    }
}
