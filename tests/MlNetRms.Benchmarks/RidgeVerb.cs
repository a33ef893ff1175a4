using MlNetRms.Benchmarks.Accuracy;
using MlNetRms.Benchmarks.Accuracy.Oracles;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks;

/// <summary>Sets on which least squares predicts badly, and what an L2 penalty changes.</summary>
internal static class RidgeVerb
{
    private const int TestRows = 10_000;
    private static readonly float[] _lambdas = [1e-4f, 1e-3f, 1e-2f, 0.1f, 1];

    private static readonly (string Name, int TrainingRows, Func<int, ExampleSet> Rows)[] _cases =
    [
        ("100 × 45, correlation 0.9", 100, rows => DenseSets.Equicorrelated(rows, 45, 0.9, noise: 5, seed: 1)),
        ("100 × 45 of two factors", 100, rows => DenseSets.TwoFactors(rows, 45, seed: 1)),
        ("140 × 10 and products of degree 2", 140, rows => DenseSets.WithProducts(rows, mean: 3, noise: 1, seed: 1)),
        ("40 × 12, powers of one column", 40, rows => DenseSets.Polynomial(rows, 12, noise: 0.3, seed: 1)),
    ];

    public static void Run(Arguments arguments)
    {
        Report.Header();
        Report.Table(["set", "least squares", "default", .. _lambdas.Select(lambda => Report.Invariant($"λ = {lambda}"))],
            [.. arguments.Select(_cases, one => one.Name).Select(one =>
            {
                ExampleSet all = one.Rows(one.TrainingRows + TestRows);
                ExampleSet training = all.Take(0, one.TrainingRows);
                ExampleSet test = all.Take(one.TrainingRows, TestRows);
                return (string[])
                [
                    one.Name, Report.Number(ExactLeastSquares.Solve(training).Fit.Rmse(test)),
                    Report.Number(Contenders.FitRmsProp(training).Rmse(test)),
                    .. _lambdas.Select(lambda => Report.Number(Contenders.FitRmsProp(training, new() { L2Regularization = lambda }).Rmse(test))),
                ];
            })]);
        Console.WriteLine($"- RMSE on {TestRows} held-out rows; λ is L2Regularization.");
    }
}
