namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>Categories as one-hot columns, beside columns that are nearly collinear with some of them.</summary>
internal static class CategoryFamilies
{
    private const double Noise = 0.3;

    /// <summary>Most kinds have this many rows per set.</summary>
    private const int Rows = 5000;

    public static IReadOnlyList<Family> All { get; } =
    [
        new("year, flag and 310 cities", seed => Cities(Rows, 310, seed), seed => Cities(Rows, 310, seed)),
        new("year, flag and 311 cities", seed => Cities(Rows, 311, seed), seed => Cities(Rows, 311, seed)),
        new("year, flag and 1000 cities", seed => Cities(Rows, 1000, seed), seed => Cities(4000, 500, seed)),
        new("100 rare years, 78 000 rows", seed => Years(78_000, 100, seed), seed => Years(2000, 100, seed)),
        new("100 rare years, 78 100 rows", seed => Years(78_100, 100, seed), seed => Years(4000, 160, seed)),
        new("100 rare years, 300 000 rows", seed => Years(300_000, 100, seed), seed => Years(8000, 180, seed)),
        new("sentinel, flag and 400 cities", seed => Sentinel(Rows, 400, seed), seed => Sentinel(Rows, 400, seed)),
        .. new[] { 2, 10, 100 }.Select(mean => new Family($"300 slopes on {mean} ± 1",
            seed => Slopes(50_000, 300, mean, 1, seed), seed => Slopes(6000, 180, mean, 1, seed))),
        new("200 slopes on log-price", seed => Slopes(20_000, 200, 3, 0.5, seed), seed => Slopes(6000, 180, 3, 0.5, seed)),
    ];

    /// <summary>
    /// Eight uniform numbers, a year that is missing (0) in one row of 100, a flag that says so, and a city with an effect of its own.
    /// </summary>
    public static ExampleSet Cities(int rows, int cities, ulong seed)
    {
        const int Numbers = 8;
        var random = new NormalSource(seed);
        double[] effects = Uniform(cities, ref random);
        return Family.Make(rows, Numbers + 2 + cities, (_, features) =>
        {
            for (int i = 0; i < Numbers; i++)
                features[i] = random.Uniform();
            bool isMissing = random.Uniform() < 0.01;
            int year = 2000 + random.Below(21);
            features[Numbers] = isMissing ? 0 : year;
            features[Numbers + 1] = isMissing ? 1 : 0;
            int city = random.Below(cities);
            features[Numbers + 2 + city] = 1;
            return features[0] + effects[city] + (isMissing ? 0 : 0.3 * (year - 2010)) + Noise * (2 * random.Uniform() - 1);
        });
    }

    /// <summary>Five uniform numbers, and years from 2000 to 2020 of which each is known in one row of 20, with a flag where it is.</summary>
    public static ExampleSet Years(int rows, int years, ulong seed)
    {
        const int Numbers = 5;
        const double Known = 0.05;
        var random = new NormalSource(seed);
        double[] slopes = [.. Uniform(years, ref random).Select(effect => 0.3 * effect)];
        return Family.Make(rows, Numbers + 2 * years, (_, features) =>
        {
            double label = Noise * random.Next();
            for (int i = 0; i < Numbers; i++)
                label += features[i] = random.Uniform();
            for (int i = 0; i < years; i++)
            {
                if (random.Uniform() >= Known)
                    continue;
                int year = 2000 + random.Below(21);
                features[Numbers + 2 * i] = year;
                features[Numbers + 2 * i + 1] = 1;
                label += slopes[i] * (year - 2010);
            }
            return label;
        });
    }

    /// <summary>Eight uniform numbers, a normal one that is −999 where it is missing (one row of 20), a flag that says so, and a city.</summary>
    public static ExampleSet Sentinel(int rows, int cities, ulong seed)
    {
        const int Numbers = 8;
        const double Missing = -999;
        var random = new NormalSource(seed);
        double[] effects = Uniform(cities, ref random);
        return Family.Make(rows, Numbers + 2 + cities, (_, features) =>
        {
            for (int i = 0; i < Numbers; i++)
                features[i] = random.Uniform();
            bool isMissing = random.Uniform() < 0.05;
            double measured = random.Next();
            features[Numbers] = isMissing ? Missing : measured;
            features[Numbers + 1] = isMissing ? 1 : 0;
            int city = random.Below(cities);
            features[Numbers + 2 + city] = 1;
            return features[0] + effects[city] + (isMissing ? 0 : measured) + Noise * (2 * random.Uniform() - 1);
        });
    }

    /// <summary>Categories with an intercept and a slope each: one column per category that is 1, and one that is x.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="categories">Number of categories.</param>
    /// <param name="mean">Mean of x.</param>
    /// <param name="deviation">Standard deviation of x.</param>
    /// <param name="seed">Seed of effects and rows.</param>
    public static ExampleSet Slopes(int rows, int categories, double mean, double deviation, ulong seed)
    {
        var random = new NormalSource(seed);
        double[] effects = random.Normals(categories);
        double[] slopes = random.Normals(categories);
        return Family.Make(rows, 2 * categories, (_, features) =>
        {
            int category = random.Below(categories);
            double x = random.Next();
            features[category] = 1;
            features[categories + category] = mean + deviation * x;
            return effects[category] + slopes[category] * x + Noise * random.Next();
        });
    }

    /// <summary>Numbers between −1 and 1.</summary>
    private static double[] Uniform(int count, ref NormalSource random)
    {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++)
            numbers[i] = 2 * random.Uniform() - 1;
        return numbers;
    }
}
