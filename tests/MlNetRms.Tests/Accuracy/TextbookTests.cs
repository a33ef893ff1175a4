using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>The book's own figures ("Dive into Deep Learning", the chapter on RMSProp).</summary>
public sealed class TextbookTests
{
    [Theory]
    [InlineData(EpsilonPlacement.InsideSquareRoot, "epoch 20, x1 -0.010599, x2 0.000000")]
    [InlineData(EpsilonPlacement.OutsideSquareRoot, "epoch 20, x1 -0.010598, x2 0.000000")]
    public void Step_TheBooksFunctionOfTwoVariables_PrintsTheBooksLine(EpsilonPlacement placement, string expected)
    {
        float[] x = [-5, -2];
        var optimizer = new RmsProp(2, alpha: 0.9f, epsilon: 1e-6f, placement);

        for (int step = 0; step < 20; step++)
            optimizer.Step(x, [0.2f * x[0], 4 * x[1]], 0.4f);

        Assert.Equal(expected, FormattableString.Invariant($"epoch {optimizer.StepCount}, x1 {x[0]:F6}, x2 {x[1]:F6}"));
    }

    [DataFact]
    public void Fit_TextbookOptionsOnAirfoil_EndsNearTheBooksLoss()
    {
        Examples rows = Standardized(RealData.Read("airfoil")).Take(Enumerable.Range(0, 1500));

        double[] losses = Enumerable.Range(0, 21).Select(seed =>
        {
            RmsPropRegressionTrainer.Options options = RmsPropRegressionTrainer.Options.Textbook();
            options.Seed = seed;
            return 0.5 * Math.Pow(rows.Fit(options).Rmse(rows), 2);
        }).Order().ToArray();

        Assert.InRange(losses[10], 0.2425, 0.2445);        // the median of 21 seeds, because single runs vary more
    }

    private static Examples Standardized(Examples rows)
    {
        double[] ones = Enumerable.Repeat(1.0, rows.Count).ToArray();
        var features = rows.Features.Select(row => new float[row.Length]).ToArray();
        for (int i = 0; i < rows.Width; i++)
            Fill(rows.Features.Select(row => (double)row[i]).ToArray(), (row, value) => features[row][i] = value);
        var labels = new float[rows.Count];
        Fill(rows.Labels.Select(label => (double)label).ToArray(), (row, value) => labels[row] = value);
        return new Examples(features, labels);

        void Fill(double[] values, Action<int, float> set)
        {
            (double mean, double deviation) = LeastSquares.Moments(values, ones);
            for (int row = 0; row < values.Length; row++)
                set(row, (float)((values[row] - mean) / deviation));
        }
    }
}
