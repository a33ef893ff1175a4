namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>Several random sets of a kind; the worst result counts.</summary>
internal static class Draws
{
    private const int Usual = 3;

    /// <summary>The seeds 1, 2 and 3, or up to another number; only the first with <c>--quick</c>.</summary>
    public static IEnumerable<ulong> Seeds(bool quick, int count = Usual) => Enumerable.Range(1, quick ? 1 : count).Select(seed => (ulong)seed);

    /// <summary>Each trainer's excess over least squares on dense sets, in percent; the largest of the draws.</summary>
    public static Figures LargestExcess(bool quick, Func<ulong, ExampleSet> draw) => Figures.Largest(Seeds(quick).Select(seed =>
    {
        ExampleSet training = draw(seed);
        LinearFit least = Oracles.ExactLeastSquares.Solve(training).Fit;
        return Contenders.Fit(training).Measure(fit => fit.ExcessPercent(training, least));
    }));
}
