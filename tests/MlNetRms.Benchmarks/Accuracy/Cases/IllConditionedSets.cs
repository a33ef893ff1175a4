using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Dense sets whose columns are correlated.</summary>
internal static class IllConditionedSets
{
    private const int PolynomialRows = 1000;
    private const double PolynomialNoise = 0.1;
    private static readonly Goal _rotatedGoal = Goal.AtMost(0.01, 0.001);
    private static readonly Goal _correlatedGoal = Goal.AtMost(0.01, 0.003);

    /// <summary>Signal in all directions, and noise as large as the signal of one direction.</summary>
    public static IReadOnlyList<DenseClass> Rotated { get; } =
        [.. new[] { 117, 1.2e3, 1.2e4 }.Select(condition => new DenseClass(
            Report.Invariant($"10 rotated columns, condition {condition}"),
            seed => DenseSets.Rotated(rows: 2000, columns: 10, condition, noise: 1, seed), Noise: 1, _rotatedGoal))];

    public static IReadOnlyList<DenseClass> Correlated { get; } =
        [.. new[] { (0.9, 1), (0.99, 1), (0.999, 1), (0.99, 0.3), (0.999, 0.3) }.Select(set => new DenseClass(
            Report.Invariant($"100 columns of correlation {set.Item1}, noise {set.Item2}"),
            seed => DenseSets.Equicorrelated(rows: 5000, columns: 100, set.Item1, set.Item2, seed), set.Item2, _correlatedGoal))];

    public static IReadOnlyList<DenseClass> Polynomials { get; } =
        [.. new[] { 3, 5, 7 }.Select(degree => new DenseClass(
            $"polynomial of degree {degree} on 0..10",
            seed => DenseSets.Polynomial(PolynomialRows, degree, PolynomialNoise, seed), PolynomialNoise, _rotatedGoal))];

    private static IReadOnlyList<DenseClass> Products { get; } =
        [new("442 × 10 and products of degree 2", seed => DenseSets.WithProducts(rows: 442, mean: 3, noise: 1, seed), Noise: 1, Goal.AtMost(0.05))];

    public static IEnumerable<Finding> Find(bool quick) =>
        from set in (DenseClass[])[.. Rotated, .. Correlated, .. Polynomials, .. Products]
        select new Finding(set.Name, "excess, %", Draws.LargestExcess(quick, set.Draw), set.Goal);
}

/// <summary>A family of dense sets.</summary>
/// <param name="Name">Name in the table.</param>
/// <param name="Draw">Draws one of them by seed.</param>
/// <param name="Noise">Standard deviation of the noise.</param>
/// <param name="Goal">Goal for the excess over least squares, in percent.</param>
internal sealed record DenseClass(string Name, Func<ulong, ExampleSet> Draw, double Noise, Goal Goal);
