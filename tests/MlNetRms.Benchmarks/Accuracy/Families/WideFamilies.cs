namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>The same kinds with more columns than can be whitened.</summary>
internal static class WideFamilies
{
    public static IReadOnlyList<Family> All { get; } =
    [
        new("year, flag and 3000 cities", seed => CategoryFamilies.Cities(30_000, 3000, seed), seed => CategoryFamilies.Cities(8000, 2100, seed)),
        new("1100 rare years", seed => CategoryFamilies.Years(50_000, 1100, seed), seed => CategoryFamilies.Years(8000, 1020, seed)),
        new("1200 slopes on 10 ± 1", seed => CategoryFamilies.Slopes(100_000, 1200, 10, 1, seed),
            seed => CategoryFamilies.Slopes(20_000, 1100, 10, 1, seed)),
        new("1100 pairs that differ by 0.01", seed => SmoothFamilies.Pairs(20_000, 1100, seed), seed => SmoothFamilies.Pairs(6000, 1010, seed)),
    ];
}
