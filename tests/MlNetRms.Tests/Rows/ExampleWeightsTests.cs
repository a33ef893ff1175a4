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
}
