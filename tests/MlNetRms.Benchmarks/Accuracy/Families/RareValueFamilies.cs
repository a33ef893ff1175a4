namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>Columns whose weight is decided by a few rows of many.</summary>
internal static class RareValueFamilies
{
    private const double Noise = 0.3;

    /// <summary>What a set is like depends on when the few rows are met.</summary>
    private const int Draws = 10;

    /// <summary>Two nearly equal columns differ in one row of this many.</summary>
    private const int RowsPerDifference = 50_000;

    public static IReadOnlyList<Family> All { get; } =
    [
        new("1 in one row of 100 000", seed => SingleOne(100_000, seed), seed => SingleOne(100_000, seed), Draws),
        new("10 categories, one seen once", seed => RareCategory(200_000, seed), seed => RareCategory(100_000, seed), Draws),
        new("one value of 1000", seed => Outlier(100_000, seed), seed => Outlier(100_000, seed), Draws),
        new("constant except in 5 rows, 200 000 rows", seed => NearlyConstant(200_000, 20, seed), seed => NearlyConstant(200_000, 4, seed), Draws),
        new("constant except in 5 rows, 1M rows", seed => NearlyConstant(1_000_000, 20, seed), seed => NearlyConstant(300_000, 4, seed), Draws),
        new("nearly equal columns, 200 000 rows",
            seed => NearlyEqual(200_000, 200_000 / RowsPerDifference, seed), seed => NearlyEqual(100_000, 4, seed), Draws),
        new("nearly equal columns, 1M rows",
            seed => NearlyEqual(1_000_000, 1_000_000 / RowsPerDifference, seed), seed => NearlyEqual(150_000, 10, seed), Draws),
    ];

    /// <summary>Two normal columns, and one that is 1 in a single row.</summary>
    public static ExampleSet SingleOne(int rows, ulong seed)
    {
        var random = new NormalSource(seed);
        int chosen = random.Below(rows);
        return Family.Make(rows, 3, (row, features) =>
        {
            features[0] = random.Next();
            features[1] = random.Next();
            features[2] = row == chosen ? 1 : 0;
            return features[0] + 0.5 * features[2] + Noise * random.Next();
        });
    }

    /// <summary>A category of ten levels, the last of which is in a single row, and two normal columns.</summary>
    public static ExampleSet RareCategory(int rows, ulong seed)
    {
        const int Levels = 10;
        var random = new NormalSource(seed);
        int chosen = random.Below(rows);
        return Family.Make(rows, Levels + 2, (row, features) =>
        {
            int level = row == chosen ? Levels - 1 : random.Below(Levels - 1);
            features[level] = 1;
            features[Levels] = random.Next();
            features[Levels + 1] = random.Next();
            return 0.3 * level + features[Levels] - features[Levels + 1] + Noise * random.Next();
        });
    }

    /// <summary>Five normal columns, one of which is 1000 in a single row.</summary>
    public static ExampleSet Outlier(int rows, ulong seed)
    {
        const int Columns = 5;
        var random = new NormalSource(seed);
        int chosen = random.Below(rows);
        return Family.Make(rows, Columns, (row, features) =>
        {
            for (int i = 0; i < Columns; i++)
                features[i] = random.Next();
            if (row == chosen)
                features[0] = 1000;
            return features.Sum() + Noise * random.Next();
        });
    }

    /// <summary>Normal columns, and one that is 10 except in five rows.</summary>
    public static ExampleSet NearlyConstant(int rows, int columns, ulong seed)
    {
        const double Usual = 10;
        var random = new NormalSource(seed);
        HashSet<int> chosen = Chosen(rows, 5, ref random);
        return Family.Make(rows, columns, (row, features) =>
        {
            for (int i = 0; i < columns - 1; i++)
                features[i] = random.Next();
            features[columns - 1] = chosen.Contains(row) ? Usual + random.Next() : Usual;
            return features.Sum() + Noise * random.Next();
        });
    }

    /// <summary>Ten normal columns, the last of which equals the one before it except in a few rows; both affect the label.</summary>
    public static ExampleSet NearlyEqual(int rows, int differences, ulong seed)
    {
        const int Columns = 10;
        var random = new NormalSource(seed);
        HashSet<int> chosen = Chosen(rows, differences, ref random);
        return Family.Make(rows, Columns, (row, features) =>
        {
            for (int i = 0; i < Columns - 1; i++)
                features[i] = random.Next();
            features[Columns - 1] = chosen.Contains(row) ? random.Next() : features[Columns - 2];
            return features.Sum() + Noise * random.Next();
        });
    }

    private static HashSet<int> Chosen(int rows, int count, ref NormalSource random)
    {
        var chosen = new HashSet<int>();
        while (chosen.Count < count)
            chosen.Add(random.Below(rows));
        return chosen;
    }
}
