using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

public sealed class WideTests
{
    [Fact]
    public void Fit_ThousandsOfColumnsOfTwoFactors_ExplainsMostOfTheLabel()
    {
        const int Columns = 10_000;
        var random = new Random(2);
        var features = new float[300][];
        var labels = new float[features.Length];
        for (int row = 0; row < features.Length; row++)
        {
            (double f, double g) = (Some.Normal(random), Some.Normal(random));
            features[row] = [.. Enumerable.Range(0, Columns).Select(j =>
                (float)(Math.Sin(0.01 * j) * f + Math.Cos(0.003 * j) * g + 0.05 * Some.Normal(random)))];
            labels[row] = (float)(f + 0.5 * g + 0.2 * Some.Normal(random));
        }
        var rows = new Examples(features, labels);
        (_, double deviation) = LeastSquares.Moments(labels.Select(label => (double)label), [.. Enumerable.Repeat(1.0, rows.Count)]);

        Assert.InRange(rows.Fit(new() { Seed = 2 }).Rmse(rows) / deviation, 0, 0.3);
    }
}
