using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

/// <summary>Which settings make <see cref="RmsProp"/> the rule of another library, at a constant learning rate.</summary>
public sealed class OtherLibrariesTests
{
    private const int Length = 9;
    private const int Steps = 60;
    private const float LearningRate = 0.01f;

    /// <summary>Large beside some of the gradients, so that its place shows.</summary>
    private const float Epsilon = 1e-3f;

    /// <summary>Sixty steps of float beside double; centering takes a difference of nearly equal numbers.</summary>
    private const double Roundings = 1e-4;

    public static TheoryData<float, bool> Forms => new()
    {
        { 0, false },
        { 0.9f, false },
        { 0, true },
        { 0.9f, true },
    };

    [Theory, MemberData(nameof(Forms))]
    public void Step_EpsilonOutsideAndNoBiasCorrection_IsTheRuleOfPyTorch(float momentum, bool centered)
    {
        var actual = new RmsProp(Length, 0.99f, Epsilon, EpsilonPlacement.OutsideSquareRoot, biasCorrection: false, momentum, centered);
        var expected = new PyTorchRmsProp(Length, LearningRate, 0.99f, Epsilon, weightDecay: 0, momentum, centered);
        var inside = new RmsProp(Length, 0.99f, Epsilon, EpsilonPlacement.InsideSquareRoot, biasCorrection: false, momentum, centered);

        Assert.InRange(LargestDistance(actual, expected.Step), 0, Roundings);
        Assert.InRange(LargestDistance(inside, expected.Step), 10 * Roundings, double.MaxValue);

    }

    [Theory, MemberData(nameof(Forms))]
    public void Step_EpsilonInsideAndNoBiasCorrection_IsTheRuleOfKeras(float momentum, bool centered)
    {
        var actual = new RmsProp(Length, 0.9f, Epsilon, EpsilonPlacement.InsideSquareRoot, biasCorrection: false, momentum, centered);
        var expected = new KerasRmsProp(Length, LearningRate, 0.9f, Epsilon, momentum, centered);

        Assert.InRange(LargestDistance(actual, expected.Step), 0, Roundings);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Fit_SettingsOfPyTorchWithWeightDecay_IsItsTraining(float momentum, bool centered)
    {
        // Full batches, so that no library's order of rows matters. The decay leaves the bias out here, so the bias has its own rule.
        Examples rows = Some.Linear(1, 64, 5);
        var options = new RmsPropRegressionTrainer.Options
        {
            Standardize = false,
            Shuffle = false,
            BatchSize = 64,
            NumberOfEpochs = Steps,
            LearningRate = LearningRate,
            LearningRateSchedule = LearningRateSchedule.Constant,
            Alpha = 0.99f,
            Epsilon = Epsilon,
            BiasCorrection = false,
            Momentum = momentum,
            Centered = centered,
            L2Regularization = 0.1f,
            AveragedFraction = 0,
        };
        var weights = new double[5];
        var bias = new double[1];
        var rule = new PyTorchRmsProp(5, LearningRate, 0.99f, Epsilon, weightDecay: 0.1f, momentum, centered);
        var biasRule = new PyTorchRmsProp(1, LearningRate, 0.99f, Epsilon, weightDecay: 0, momentum, centered);
        for (int step = 0; step < Steps; step++)
        {
            var gradient = new double[6];
            for (int row = 0; row < rows.Count; row++)
            {
                double residual = bias[0] - rows.Labels[row] + rows.Features[row].Zip(weights, (x, w) => x * w).Sum();
                for (int i = 0; i < 6; i++)
                    gradient[i] += residual * (i < 5 ? rows.Features[row][i] : 1) / rows.Count;
            }
            rule.Step(weights, gradient[..5]);
            biasRule.Step(bias, gradient[5..]);
        }

        Models.AssertClose([.. weights.Concat(bias).Select(w => (float)w)], rows.Fit(options).Parameters(), Roundings);
    }

    /// <summary>From one start on one function: a bowl that is steep in some directions and flat in others, and a little noise.</summary>
    private static double LargestDistance(RmsProp actual, Action<double[], double[]> expected)
    {
        float[] x = Some.Normals(1, Length);
        double[] y = Array.ConvertAll(x, value => (double)value);
        double largest = 0;
        for (int step = 0; step < Steps; step++)
        {
            float[] noise = Some.Normals(100 + step, Length);
            double Gradient(double at, int i) => Math.Pow(10, i % 5 - 3) * (at + 0.1 * noise[i]);
            expected(y, y.Select(Gradient).ToArray());
            actual.Step(x, x.Select((at, i) => (float)Gradient(at, i)).ToArray(), LearningRate);
            largest = Math.Max(largest, x.Zip(y, (a, b) => Math.Abs(a - b)).Max());
        }
        return largest;
    }
}
