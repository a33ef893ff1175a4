namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>All products of up to a degree of three variables that are far from 0 for their spread.</summary>
internal static class PolynomialFamilies
{
    private const int Rows = 5000;
    private const int SmallRows = 1000;

    public static IReadOnlyList<Family> All { get; } =
        [.. from low in new[] { 10, 100 }
            from degree in new[] { 5, 7 }
            select new Family($"polynomial of degree {degree} on {low}..{low + 1}",
                seed => Powers(Rows, degree, low, seed), seed => Powers(SmallRows, degree, low, seed))];

    /// <summary>The label is a smooth function of the variables plus noise.</summary>
    public static ExampleSet Powers(int rows, int degree, double low, ulong seed)
    {
        const double Noise = 0.1;
        (int X, int Y, int Z)[] powers =
            [.. from x in Enumerable.Range(0, degree + 1)
                from y in Enumerable.Range(0, degree + 1 - x)
                from z in Enumerable.Range(0, degree + 1 - x - y)
                where x + y + z > 0
                select (x, y, z)];
        var random = new NormalSource(seed);
        return Family.Make(rows, powers.Length, (_, features) =>
        {
            (double a, double b, double c) = (random.Uniform(), random.Uniform(), random.Uniform());
            for (int i = 0; i < powers.Length; i++)
                features[i] = Math.Pow(low + a, powers[i].X) * Math.Pow(low + b, powers[i].Y) * Math.Pow(low + c, powers[i].Z);
            return Math.Sin(6 * a) + Math.Cos(5 * b) * c + a * b * c + Noise * random.Next();
        });
    }
}
