using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>The model's numbers are floats: the rounding error that this causes far from 0.</summary>
public sealed class FloatModelTests
{
    [Fact]
    public void Fit_LabelsAboutAMillionWithNoiseOne_PredictsToWithinTheSpacingOfFloatThere()
    {
        const double Spacing = 0.0625;
        double bias = 0;
        double score = 0;
        for (int seed = 1; seed <= 20; seed++)
        {
            Examples rows = Some.Linear(seed, 500, 3, noise: 1);
            var far = new Examples(rows.Features, [.. rows.Labels.Select(label => (float)Math.Round(1e6 + label))]);
            // The same labels nearer to 0, where float is precise enough.
            RmsPropRegressionTransformer near = new Examples(rows.Features, [.. far.Labels.Select(label => label - 1_000_000)]).Fit();
            RmsPropRegressionTransformer model = far.Fit();

            bias = Math.Max(bias, Math.Abs(model.Model.Bias - 1e6 - near.Model.Bias));
            IDataView view = rows.View(new MLContext(1));
            score = Math.Max(score, model.Scores(view).Zip(near.Scores(view), (x, y) => Math.Abs(x - 1e6 - y)).Max());
        }

        Assert.Equal(Spacing, MathF.BitIncrement(1e6f) - 1e6f);
        Assert.InRange(bias, 0.4 * Spacing, 0.51 * Spacing);        // rounded once
        Assert.InRange(score, 0.8 * Spacing, 1.1 * Spacing);        // and again in each prediction
    }
}
