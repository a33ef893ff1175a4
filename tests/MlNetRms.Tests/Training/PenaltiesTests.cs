using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Training;

/// <summary>L1, elastic net, bounds and clipping, compared with exact minimisers and single steps.</summary>
public sealed class PenaltiesTests
{
    /// <summary>The noise of mini-batches, averaged over the last fifth of the steps.</summary>
    private const double Stochastic = 2e-4;

    public static TheoryData<float, float, bool, bool> Problems
    {
        get
        {
            var problems = new TheoryData<float, float, bool, bool>();
            foreach ((float l1, float l2) in new[] { (0.02f, 0f), (0.1f, 0f), (0.3f, 0f), (0.05f, 0.05f), (0.2f, 0.5f) })
            {
                problems.Add(l1, l2, false, false);
                problems.Add(l1, l2, false, true);
                problems.Add(l1, l2, true, false);
            }
            problems.Add(0, 0, true, false);
            problems.Add(0, 0.1f, true, true);
            return problems;
        }
    }

    [Theory, MemberData(nameof(Problems))]
    public void Fit_Penalties_ReachesTheOptimumOfCoordinateDescentWithTheSameZeros(float l1, float l2, bool nonNegative, bool weighted)
    {
        Examples rows = WellSeparated(weighted);
        var oracle = new CoordinateDescent(rows, l1, l2, nonNegative);

        RmsPropRegressionTransformer model = rows.Fit(new()
        {
            L1Regularization = l1,
            L2Regularization = l2,
            NonNegativeWeights = nonNegative,
            ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null,
        });

        double least = oracle.Objective();
        Assert.InRange(oracle.Objective(model.Model.Weights), least * (1 - 1e-6), least * (1 + Stochastic));
        if (l1 > 0)
            Assert.Equal(oracle.Weights.Select(w => w == 0), model.Model.Weights.Select(w => w == 0));
        Assert.Contains(oracle.Weights, w => w == 0);        // otherwise there would be nothing to compare
        Assert.Contains(oracle.Weights, w => w != 0);
        if (nonNegative)
            Assert.All(model.Model.Weights, w => Assert.InRange(w, 0, float.MaxValue));
    }

    [Fact]
    public void Fit_LargeL1_MakesEveryWeightZeroAndTheBiasTheMeanLabel()
    {
        Examples rows = WellSeparated(weighted: false);

        RmsPropRegressionTransformer model = rows.Fit(new() { L1Regularization = 10 });

        Assert.All(model.Model.Weights, w => Assert.Equal(0, w));
        Assert.Equal(rows.Labels.Average(y => (double)y), model.Model.Bias, 1e-4);        // rounded to float, at 100
    }

    [Fact]
    public void Fit_L1OnSparseColumns_MakesManyOfThemExactlyZeroAndPredictsBetterThanTheMean()
    {
        Examples rows = Some.MostlyZero(1, 600, 3, 90, 3);

        RmsPropRegressionTransformer model = rows.Fit(new() { L1Regularization = 0.05f });

        Assert.Equal(90, model.Training.SparseFeatures);
        Assert.InRange(model.Model.Weights.Count(w => w == 0), 20, 92);
        (_, double deviation) = LeastSquares.Moments(rows.Labels.Select(y => (double)y), Enumerable.Repeat(1.0, rows.Count).ToArray());
        Assert.InRange(model.Rmse(rows), 0, 0.9 * deviation);
    }

    [Theory]
    [InlineData(0.2f, 0.05f)]
    [InlineData(0.2f, 0.15f)]
    [InlineData(1, 0.1f)]
    [InlineData(5, 0.1f)]
    public void Fit_L1WithHuberLoss_MakesZeroWhatTheSlopeOfThatLossSays(float delta, float l1)
    {
        // Far from the optimum, because the average over all steps of a short training includes its first weights, 0.
        Examples rows = Some.Linear(5, 4000, 24, noise: 0.2);
        const double Distance = 1e-3;
        double[] ones = Enumerable.Repeat(1.0, rows.Count).ToArray();
        (double mean, double deviation) = LeastSquares.Moments(rows.Labels.Select(y => (double)y), ones);
        (double Mean, double StandardDeviation)[] columns =
            [.. Enumerable.Range(0, rows.Width).Select(i => LeastSquares.Moments(rows.Features.Select(row => (double)row[i]), ones))];
        double divisor = Math.Sqrt(rows.Labels.Average(y => Math.Pow(Math.Clamp(mean - y, -delta, delta), 2)));

        RmsPropRegressionTransformer model = rows.Fit(new()
        {
            LossFunction = new HuberLoss(delta),
            L1Regularization = l1,
            LearningRate = 0.03f * MathF.Sqrt(24f / 5),        // the trainer divides it by √(24 / 5) for rows of 24 columns
            Epsilon = 0.01f,
            BatchSize = 128,
            NumberOfEpochs = 4,
            AveragedFraction = 1,
            LearningRateSchedule = LearningRateSchedule.Constant,
        });

        double[] predictions = [.. rows.Features.Select(row => model.Model.Bias + row.Zip(model.Model.Weights, (x, w) => (double)x * w).Sum())];
        int zeros = 0;
        int clear = 0;
        for (int column = 0; column < rows.Width; column++)
        {
            double weight = model.Model.Weights[column] * columns[column].StandardDeviation / deviation;
            double slope = Math.Abs((Objective(column, weight, Distance) - Objective(column, weight, -Distance)) / (2 * Distance));
            zeros += model.Model.Weights[column] == 0 ? 1 : 0;
            // Weights that became 0 together change each other's slopes a little.
            if (Math.Abs(slope - l1) < 0.1 * l1)
                continue;
            clear++;
            Assert.True(slope < l1 == (model.Model.Weights[column] == 0),
                FormattableString.Invariant($"column {column}: slope {slope}, weight {weight}"));
        }
        Assert.InRange(clear, 0.8 * rows.Width, rows.Width);
        Assert.InRange(zeros, 1, rows.Width - 1);

        // The mean loss in the units of training, with another weight for one column.
        double Objective(int column, double weight, double other)
        {
            double sum = 0;
            for (int row = 0; row < rows.Count; row++)
            {
                double x = (rows.Features[row][column] - columns[column].Mean) / columns[column].StandardDeviation;
                double size = Math.Abs(predictions[row] + deviation * (other - weight) * x - rows.Labels[row]);
                sum += size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta);
            }
            return sum / (rows.Count * deviation * divisor);
        }
    }

    [Theory]
    [InlineData(nameof(Options.Momentum))]
    [InlineData(nameof(Options.Centered))]
    public void RmsProp_L1WithMomentumOrCentered_ThrowsWithBothNames(string other)
    {
        var options = new Options
        {
            L1Regularization = 0.1f,
            Momentum = other == nameof(Options.Momentum) ? 0.5f : 0,
            Centered = other == nameof(Options.Centered)
        };

        var exception = Assert.Throws<ArgumentException>(() => new MLContext(1).Regression.Trainers.RmsProp(options));

        Assert.Contains($"{nameof(Options.L1Regularization)} and {other} exclude each other", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_NonNegativeWeights_LeavesTheBiasFree()
    {
        Examples rows = Some.Linear(1, 300, 3, noise: 0.1);
        var low = new Examples(rows.Features, rows.Labels.Select(y => y - 100).ToArray());

        foreach (bool standardize in new[] { true, false })
        {
            RmsPropRegressionTransformer model =
                low.Fit(new() { NonNegativeWeights = true, Standardize = standardize, LearningRate = standardize ? 0.03f : 1 });
            Assert.All(model.Model.Weights, w => Assert.InRange(w, 0, float.MaxValue));
            Assert.InRange(model.Model.Bias, -110, -90);
        }
        Assert.Contains(low.Fit().Model.Weights, w => w < 0);        // without the bound
    }

    [Theory]
    [InlineData(0.25f)]
    [InlineData(3)]
    [InlineData(1000)]        // longer than the gradient
    public void Fit_GradientClippingNorm_ShortensTheGradientOfTheStep(float norm)
    {
        // One step over all rows from zero; α = 0 and ε = 1 make it η·g / (|g| + 1), which shows the length of g.
        Examples rows = Some.Linear(1, 50, 4, noise: 1);
        double[] gradient = new double[5];
        for (int row = 0; row < rows.Count; row++)
        {
            for (int i = 0; i < 5; i++)
                gradient[i] -= rows.Labels[row] * (i < 4 ? rows.Features[row][i] : 1) / rows.Count;
        }
        double length = Math.Sqrt(gradient.Sum(g => g * g));
        double factor = Math.Min(1, norm / length);

        float[] actual = rows.Fit(new()
        {
            GradientClippingNorm = norm,
            Standardize = false,
            BatchSize = 50,
            NumberOfEpochs = 1,
            Alpha = 0,
            Epsilon = 1,
            LearningRate = 1,
            LearningRateSchedule = LearningRateSchedule.Constant,
        }).Parameters();

        Assert.Equal(norm < length, factor < 1);
        for (int i = 0; i < 5; i++)
            Assert.Equal(-factor * gradient[i] / (Math.Abs(factor * gradient[i]) + 1), actual[i], 1e-6);
        Assert.InRange(length, 3.2, 900);        // otherwise the cases would not be those intended
    }

    [Fact]
    public void Fit_ClippingNormNeverReached_GivesTheBitsOfNoClipping()
    {
        Examples rows = Some.Linear(1, 300, 4);

        float[] With(float? norm) => rows.Fit(new() { GradientClippingNorm = norm, NumberOfEpochs = 100 }).Parameters();
        Assert.Equal(With(null), With(1e18f));
        Assert.NotEqual(With(null), With(0.01f));
    }

    [Fact]
    public void Fit_GradientWhoseSquareIsBeyondFloat_IsClippedAndNotLost()
    {
        // A gradient of about 1e25 has a finite norm, but no finite square in float.
        var rows = new Examples([[1e25f], [2e25f]], [1, -3]);

        float[] weights = rows.Fit(new()
        {
            GradientClippingNorm = 1,
            Standardize = false,
            Epsilon = 0.01f,
            NumberOfEpochs = 1,
            LearningRate = 1e-30f,
            LearningRateSchedule = LearningRateSchedule.Constant,
        }).Parameters();

        // g = (1e25·(−1) + 2e25·3) / 2 > 0, shortened to 1; one step is −η·g / (|g| + ε).
        Assert.Equal(-1e-30f / 1.01f, weights[0], 1e-33f);
    }

    /// <summary>Ten columns, half of them without effect and correlated with the others; large offsets and different scales.</summary>
    private static Examples WellSeparated(bool weighted)
    {
        double[] truth = [2, -1.5, 1, -0.7, 0.5, 0, 0, 0, 0, 0];
        var random = new Random(3);
        var features = new float[500][];
        var labels = new float[500];
        for (int row = 0; row < features.Length; row++)
        {
            double[] z = truth.Select(_ => Some.Normal(random)).ToArray();
            for (int i = 5; i < 10; i++)
                z[i] = 0.8 * z[i] + 0.6 * z[i - 5];
            labels[row] = (float)(100 + 5 * (z.Zip(truth, (x, w) => x * w).Sum() + Some.Normal(random)));
            features[row] = z.Select((x, i) => (float)(Math.Pow(10, i % 4 - 1) * (x + i))).ToArray();
        }
        return new Examples(features, labels, weighted ? Enumerable.Range(0, 500).Select(row => 0.5f + row % 4).ToArray() : null);
    }
}
