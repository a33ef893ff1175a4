namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>Sparse columns that occur together, or that add up to a dense one.</summary>
internal static class GroupFamilies
{
    private const double Present = 0.05;
    private const double LabelNoise = 0.1;

    public static IReadOnlyList<Family> All { get; } =
    [
        .. new[] { 0.5, 0.1, 0.02 }.Select(noise => new Family(FormattableString.Invariant($"33 sparse groups of 10, noise {noise}"),
            seed => SharedFactors(50_000, 33, noise, seed), seed => SharedFactors(6000, 33, noise, seed))),
        new("10 sums of 34 sparse columns", seed => Sums(50_000, 10, 34, seed), seed => Sums(6000, 10, 34, seed)),
    ];

    /// <summary>Groups of ten columns that are present in the same rows, one of 20, and are a common factor plus noise of their own.</summary>
    public static ExampleSet SharedFactors(int rows, int groups, double noise, ulong seed)
    {
        const int Columns = 10;
        var random = new NormalSource(seed);
        double[] weights = random.Normals(groups * Columns);
        return Family.Make(rows, groups * Columns, (_, features) =>
        {
            double label = LabelNoise * random.Next();
            for (int group = 0; group < groups; group++)
            {
                if (random.Uniform() >= Present)
                    continue;
                double factor = random.Next();
                label += factor;
                for (int column = group * Columns; column < (group + 1) * Columns; column++)
                {
                    double own = random.Next();
                    features[column] = factor + noise * own;
                    label += weights[column] * own;
                }
            }
            return label;
        });
    }

    /// <summary>
    /// Dense columns, each of which is the sum of many sparse ones plus a little noise that affects the label; the sparse ones are columns too.
    /// </summary>
    public static ExampleSet Sums(int rows, int sums, int terms, ulong seed)
    {
        const double ColumnNoise = 0.02;
        var random = new NormalSource(seed);
        double[] weights = random.Normals(sums * terms);
        return Family.Make(rows, sums * (1 + terms), (_, features) =>
        {
            double label = LabelNoise * random.Next();
            for (int sum = 0; sum < sums; sum++)
            {
                double own = random.Next();
                features[sum] = ColumnNoise * own;
                label += own;
                for (int term = sum * terms; term < (sum + 1) * terms; term++)
                {
                    if (random.Uniform() >= Present)
                        continue;
                    double value = random.Next();
                    features[sums + term] = value;
                    features[sum] += value;
                    label += weights[term] * value;
                }
            }
            return label;
        });
    }
}
