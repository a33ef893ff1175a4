namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>Ten normal columns, and example weights most of whose sum is that of few rows.</summary>
internal static class WeightFamilies
{
    private const int Rows = 300_000;
    private const int SmallRows = 100_000;

    public static IReadOnlyList<Family> All { get; } =
    [
        new("weight 1e6 on one row of 10 000", seed => OneInMany(Rows, 10_000, seed), seed => OneInMany(SmallRows, 3000, seed)),
        new("lognormal weights, sigma 4", seed => Lognormal(Rows, seed), seed => Lognormal(SmallRows, seed)),
    ];

    /// <summary>A million on every n-th row, 1 on the others.</summary>
    public static ExampleSet OneInMany(int rows, int each, ulong seed)
    {
        const double Heavy = 1e6;
        int next = 0;
        return Make(rows, seed, (ref random) => ++next % each == 0 ? Heavy : 1);
    }

    /// <summary>exp(4·z) with z from N(0, 1).</summary>
    public static ExampleSet Lognormal(int rows, ulong seed) => Make(rows, seed, (ref random) => Math.Exp(4 * random.Next()));

    private delegate double Weight(ref NormalSource random);

    /// <summary>The label contains a square that no linear model fits, so that the weights decide which plane is best.</summary>
    private static ExampleSet Make(int rows, ulong seed, Weight weight)
    {
        const int Columns = 10;
        const double Bend = 0.3;
        var random = new NormalSource(seed);
        return Family.Make(rows, Columns, (_, features) =>
        {
            for (int i = 0; i < Columns; i++)
                features[i] = random.Next();
            return features.Sum() + Bend * features[0] * features[0] + random.Next();
        }, () => weight(ref random));
    }
}
