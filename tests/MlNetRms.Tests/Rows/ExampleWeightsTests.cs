using MlNetRms.Rows;

namespace MlNetRms.Tests.Rows;

public sealed class ExampleWeightsTests
{
    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(3, 1000, 1, 1)]
    [InlineData(3, 1000, 1e30, 1e-5)]
    public void Add_SomeHeavyRowsAmongLight_GivesTheirSumsAndTheEffectiveRows(int heavyRows, int lightRows, double heavy, double light)
    {
        ExampleWeights weights = default;
        double[] all = [.. Enumerable.Repeat(heavy, heavyRows), .. Enumerable.Repeat(light, lightRows)];

        foreach (double weight in all)
            weights.Add(weight);

        Assert.Equal((all.Length, all.Max()), (weights.RowCount, weights.Largest));
        Assert.Equal(all.Sum(), weights.Sum, 1e-12 * all.Sum());
        Assert.Equal(all.Average(), weights.Mean, 1e-12 * all.Average());
        Assert.Equal(heavy == light ? all.Length : heavyRows, weights.EffectiveRows, 1e-6 * all.Length);
        Assert.Equal(heavy > light, weights.AreDominated);
    }

    [Theory]
    [InlineData(30, 300_000, 1e6, true)]        // one row in ten thousand
    [InlineData(300, 30_000, 1e6, false)]
    [InlineData(1, 300_000, 1000, false)]
    public void AreDominated_FewHeavyRowsAmongMany_IsThatABatchHardlyEverHasOne(int heavyRows, int lightRows, double heavy, bool expected)
    {
        ExampleWeights weights = default;
        for (int row = 0; row < heavyRows + lightRows; row++)
            weights.Add(row < heavyRows ? heavy : 1);

        Assert.Equal(expected, weights.AreDominated);
    }
}
