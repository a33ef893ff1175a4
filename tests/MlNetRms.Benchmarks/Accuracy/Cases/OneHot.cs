using MlNetRms.Benchmarks.Accuracy.Oracles;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Categories as one-hot columns, with rare levels.</summary>
internal static class OneHot
{
    private const int Rows = 20_000;

    private static readonly (int Categories, int Levels, double Noise, Dropped Drops, double Reach)[] _sets =
    [
        (3, 100, 0.1, Dropped.None, 0.05),
        (3, 100, 0.1, Dropped.MostFrequent, 0.1),
        (3, 100, 0.1, Dropped.Rarest, 0.1),
        (1, 1000, 0.1, Dropped.None, 0.1),
        (2, 1000, 0.1, Dropped.None, 0.3),
        (2, 1000, 0.5, Dropped.None, 0.1),
    ];

    public static IEnumerable<Finding> Find(bool quick) =>
        from set in _sets
        let dropped = set.Drops switch { Dropped.MostFrequent => ", most frequent dropped", Dropped.Rarest => ", rarest dropped", _ => "" }
        let name = Report.Invariant($"one-hot, {set.Categories} × {set.Levels}{dropped}, noise {set.Noise}")
        select new Finding(name, "excess, %", Figures.Largest(Draws.Seeds(quick).Select(seed =>
        {
            ExampleSet training = SparseSets.Levels(Rows, set.Categories, set.Levels, set.Noise, set.Drops, seed);
            LinearFit least = ConjugateGradients.LeastSquares(training);
            return Contenders.Fit(training, peerFeatures: PeerFeatures.Raw).Measure(fit => fit.ExcessPercent(training, least));
        })), Goal.AtMost(set.Reach));
}
