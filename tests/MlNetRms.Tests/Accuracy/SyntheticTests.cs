using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>Default options on difficult sets; the scores, not the weights, are compared with least squares.</summary>
public sealed class SyntheticTests
{
    private const double HundredthOfAPercent = 1e-4;

    private static readonly Dictionary<string, Func<Examples>> _sets = new()
    {
        ["feature scales from 1e-6 to 1e6"] = () => Some.Linear(1, 1000, [1e-6, 1e-4, 1e-2, 1, 1e2, 1e4, 1e6]),
        ["a feature with mean 1e4 and deviation 1"] = () => Some.Linear(2, 1000, [1, 1, 1], means: [0, 1e4, 0]),
        ["labels around 1e5"] = () => Some.Linear(3, 1000, [1, 1, 1, 1], labelOffset: 1e5, labelScale: 1e3),
        ["labels around 1e-6"] = () => Some.Linear(4, 1000, [1, 1, 1, 1], labelOffset: 1e-6, labelScale: 1e-6),
        ["a constant column"] = () => Some.Linear(5, 1000, [1, 0, 1], means: [0, 1234.5, 0]),
        ["20 rows"] = () => Some.Linear(6, 20, 3),
        ["one column"] = () => Some.Linear(7, 500, 1),
        ["example weights"] = () => Some.Linear(8, 1000, 5, weighted: true),
        ["no noise to speak of"] = () => Some.Linear(9, 1000, 5, noise: 0.01),
    };

    public static TheoryData<string> Sets => new(_sets.Keys);

    [Theory, MemberData(nameof(Sets))]
    public void Fit_DefaultOptions_IsWithinAHundredthOfAPercentOfLeastSquares(string set)
    {
        Examples rows = _sets[set]();
        var options = new RmsPropRegressionTrainer.Options { ExampleWeightColumnName = rows.Weights is null ? null : nameof(Example.Weight) };

        double excess = rows.Fit(options).Rmse(rows) / new LeastSquares(rows).Rmse(rows) - 1;

        Assert.InRange(excess, -1e-5, HundredthOfAPercent);        // scores are floats, so their rounding may seem to beat the optimum
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]        // enough to be stored as indices and values
    public void Fit_ColumnsThatAreNotZeroInOneRowOfTenThousand_IsWithinAFifthOfAPercentOfLeastSquares(int rare)
    {
        var random = new Random(10);
        // Effects from N(0, 1) and noise 0.5, as in the large sparse set; the excess grows with (effect / noise)².
        Examples usual = Some.Linear(10, 20_000, 3, noise: 0.5);
        float[][] features = usual.Features.Select(row => row.Concat(new float[rare]).ToArray()).ToArray();
        for (int column = 0; column < rare; column++)
        {
            double weight = Some.Normal(random);
            for (int k = 0; k < usual.Count / 10_000; k++)
            {
                int row = random.Next(usual.Count);
                features[row][usual.Width + column] = 1;
                usual.Labels[row] += (float)weight;
            }
        }
        var rows = new Examples(features, usual.Labels);

        double excess = rows.Fit().Rmse(rows) / new LeastSquares(rows).Rmse(rows) - 1;

        Assert.InRange(excess, -1e-6, 2e-3);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Fit_Standardized_LeavesAMeanResidualOfZero(bool weighted)
    {
        Examples rows = Some.Linear(11, 500, [1, 20, 0.1], means: [5, -300, 0.2], weighted: weighted);
        var options = new RmsPropRegressionTrainer.Options
        {
            NumberOfEpochs = 3,        // far from the optimum, because the mean residual must be 0 there too
            ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null,
        };

        RmsPropRegressionTransformer model = rows.Fit(options);

        double sum = 0;
        double weight = 0;
        for (int row = 0; row < rows.Count; row++)
        {
            double score = model.Model.Bias + model.Model.Weights.Zip(rows.Features[row], (w, x) => (double)w * x).Sum();
            sum += rows.Weight(row) * (score - rows.Labels[row]);
            weight += rows.Weight(row);
        }
        // Only the bias is rounded, by half a unit in the last place.
        Assert.InRange(Math.Abs(sum / weight), 0, Math.Abs(model.Model.Bias) * Math.Pow(2, -24) + 1e-12);
    }

    [Theory]
    [InlineData(0.01f)]
    [InlineData(1f)]
    public void Fit_L2Regularization_ReachesRidgeRegressionsObjective(float lambda)
    {
        Examples rows = Some.Linear(12, 1000, [1, 50, 0.02, 3], means: [1, -20, 0.3, 0]);
        var ridge = new LeastSquares(rows, lambda);

        RmsPropRegressionTransformer model = rows.Fit(new() { L2Regularization = lambda });

        double excess = ridge.Objective(model.Rmse(rows), model.Model.Weights) / ridge.Objective(rows) - 1;
        Assert.InRange(excess, -1e-6, HundredthOfAPercent);
    }

    [Fact]
    public void Fit_L2Regularization_IsFarFromPlainLeastSquares()
    {
        Examples rows = Some.Linear(12, 1000, [1, 50, 0.02, 3], means: [1, -20, 0.3, 0]);

        RmsPropRegressionTransformer model = rows.Fit(new() { L2Regularization = 1 });

        Assert.True(model.Rmse(rows) > 1.5 * new LeastSquares(rows).Rmse(rows), "a penalty of 1 halves the standardised weights");
    }
}
