namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>Columns whose variance is that of few rows.</summary>
internal static class HeavyTailFamilies
{
    private const double TypicalAmount = 100;
    private const double Noise = 0.3;

    /// <summary>What a set is like depends on its few largest values.</summary>
    private const int Draws = 10;

    public static IReadOnlyList<Family> All { get; } =
    [
        .. from sigma in new[] { 2.25, 2.5, 3 }
           from rows in new[] { 100_000, 300_000 }
           select new Family(FormattableString.Invariant($"10 lognormal columns, sigma {sigma}, {rows} rows"),
               seed => Lognormal(rows, sigma, seed), seed => Lognormal(rows / 5 + 50_000, sigma, seed), Draws),
        new("six amounts, 100 000 rows", seed => Amounts(100_000, seed), seed => Amounts(80_000, seed), Draws),
        new("six amounts, 1M rows", seed => Amounts(1_000_000, seed), seed => Amounts(120_000, seed), Draws),
        new("one amount and 400 cities, 20 000 rows",
            seed => AmountAndCities(20_000, 400, seed), seed => AmountAndCities(10_000, 400, seed), Draws),
        new("one amount and 400 cities, 100 000 rows",
            seed => AmountAndCities(100_000, 400, seed), seed => AmountAndCities(20_000, 400, seed), Draws),
    ];

    /// <summary>Ten lognormal columns that add up to the label, with noise.</summary>
    public static ExampleSet Lognormal(int rows, double sigma, ulong seed)
    {
        const int Columns = 10;
        const double LabelNoise = 10;
        var random = new NormalSource(seed);
        return Family.Make(rows, Columns, (_, features) =>
        {
            double label = LabelNoise * random.Next();
            for (int i = 0; i < Columns; i++)
                label += features[i] = Math.Exp(sigma * random.Next());
            return label;
        });
    }

    /// <summary>Six normal columns, and six amounts that are 0 in 95 % of the rows.</summary>
    public static ExampleSet Amounts(int rows, ulong seed)
    {
        const int Columns = 6;
        var random = new NormalSource(seed);
        return Family.Make(rows, 2 * Columns, (_, features) =>
        {
            double label = Noise * random.Next();
            for (int i = 0; i < Columns; i++)
            {
                label += features[i] = random.Next();
                features[Columns + i] = Amount(ref random);
                label += features[Columns + i] / TypicalAmount;
            }
            return label;
        });
    }

    /// <summary>A city with an effect of its own, and an amount that is 0 in 95 % of the rows.</summary>
    public static ExampleSet AmountAndCities(int rows, int cities, ulong seed)
    {
        var random = new NormalSource(seed);
        double[] effects = random.Normals(cities);
        return Family.Make(rows, 1 + cities, (_, features) =>
        {
            int city = random.Below(cities);
            features[0] = Amount(ref random);
            features[1 + city] = 1;
            return features[0] / TypicalAmount + effects[city] + Noise * random.Next();
        });
    }

    private static double Amount(ref NormalSource random)
    {
        const double Present = 0.05;
        const double Sigma = 2;
        double amount = TypicalAmount * Math.Exp(Sigma * random.Next());
        return random.Uniform() < Present ? amount : 0;
    }
}
