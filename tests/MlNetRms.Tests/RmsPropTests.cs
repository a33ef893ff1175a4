using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

public sealed class RmsPropTests
{
    private const int Length = 19;
    private const int Steps = 60;

    public static TheoryData<bool, float, bool, EpsilonPlacement> AllForms
    {
        get
        {
            var forms = new TheoryData<bool, float, bool, EpsilonPlacement>();
            foreach (bool centered in new[] { false, true })
            {
                foreach (float momentum in new[] { 0, 0.9f })
                {
                    foreach (bool biasCorrection in new[] { false, true })
                    {
                        foreach (EpsilonPlacement placement in Enum.GetValues<EpsilonPlacement>())
                            forms.Add(centered, momentum, biasCorrection, placement);
                    }
                }
            }
            return forms;
        }
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Step_EveryForm_EqualsTheScalarFloatRunBitForBit(bool centered, float momentum, bool biasCorrection, EpsilonPlacement placement)
    {
        var optimizer = new RmsProp(Length, 0.9f, 1e-2f, placement, biasCorrection, momentum, centered);
        var oracle = new ScalarRmsProp<float>(Length, 0.9f, 1e-2f, placement, biasCorrection, momentum, centered);
        (float[] actual, float[] expected) = (Some.Normals(1, Length), Some.Normals(1, Length));

        for (int step = 0; step < Steps; step++)
        {
            float[] gradient = Some.Normals(100 + step, Length);
            float learningRate = 0.1f / (1 + step);
            optimizer.Step(actual, gradient, learningRate);
            oracle.Step(expected, gradient, learningRate);
            Assert.Equal(expected, actual);
            Assert.Equal(oracle.MeanSquare, optimizer.MeanSquare.ToArray());
        }
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Step_EveryForm_StaysWithinRoundingOfTheScalarDoubleRun(bool centered, float momentum, bool biasCorrection, EpsilonPlacement placement)
    {
        var optimizer = new RmsProp(Length, 0.9f, 1e-2f, placement, biasCorrection, momentum, centered);
        var oracle = new ScalarRmsProp<double>(Length, 0.9f, 1e-2f, placement, biasCorrection, momentum, centered);
        float[] actual = Some.Normals(1, Length);
        double[] expected = actual.Select(parameter => (double)parameter).ToArray();
        var velocityBound = new double[Length];
        var bound = new double[Length];

        for (int step = 0; step < Steps; step++)
        {
            float[] gradient = Some.Normals(100 + step, Length);
            optimizer.Step(actual, gradient, 0.1f);
            oracle.Step(expected, gradient.Select(g => (double)g).ToArray(), 0.1f);
            for (int i = 0; i < Length; i++)
            {
                velocityBound[i] = momentum * velocityBound[i] + StepBound(oracle, i, gradient[i]) + Rounding * Math.Abs(oracle.Velocity[i]);
                bound[i] += 0.1 * velocityBound[i] + Rounding * (Math.Abs(expected[i]) + 0.1 * Math.Abs(oracle.Velocity[i]));
                Assert.InRange(actual[i] - expected[i], -bound[i], bound[i]);
            }
        }
    }

    /// <summary>A few roundings of one float operation.</summary>
    private const double Rounding = 4.0 / (1 << 24);

    /// <summary>
    /// ŝ and m̂² carry the roundings of their recurrences (at most ten steps' worth at α = 0.9, times 1/(1−α)). Where
    /// centering makes them cancel, the same absolute error stays in a small difference: hence the denominator at both ends.
    /// </summary>
    private static double StepBound(ScalarRmsProp<double> oracle, int i, double gradient)
    {
        double mean = oracle.MeanGradient[i];
        double slack = 10 * Rounding * (oracle.MeanSquareHat[i] + mean * mean);
        double low = oracle.Denominator(Math.Max(oracle.Variance[i] - slack, 0));
        double high = oracle.Denominator(oracle.Variance[i] + slack);
        return Math.Abs(gradient) * (1 / low - 1 / high + Rounding / low);
    }

    [Fact]
    public void Step_BiasCorrectionAfterManySteps_DividesByOneMinusAlphaToThePowerOfTheStep()
    {
        // A constant gradient g has ŝ = g² from the first step on, however near 1 alpha is: every step is η·g/(|g| + ε).
        float[] parameters = [0];
        var optimizer = new RmsProp(1, alpha: 0.999f, epsilon: 1e-2f, biasCorrection: true);

        for (int step = 1; step <= 60_000; step++)        // beyond the point where the correction is taken as 1
        {
            float before = parameters[0] = 0;
            optimizer.Step(parameters, [2f], 1);
            Assert.Equal(-2 / 2.01, parameters[0] - before, 1e-4);        // float recurrence of s: roundings grow to 1e-5 at 1/(1−α) = 1000
        }
    }

    [Fact]
    public void Step_AlphaZero_IsTheSignOfTheGradientButForEpsilon()
    {
        float[] parameters = [0, 0, 0];
        var optimizer = new RmsProp(3, alpha: 0, epsilon: 1e-6f, biasCorrection: true);

        optimizer.Step(parameters, [4, -0.25f, 0], 0.5f);

        Assert.Equal(-0.5, parameters[0], 1e-6);
        Assert.Equal(0.5, parameters[1], 1e-5);
        Assert.Equal(0, parameters[2]);
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Step_GradientZero_LeavesTheParametersAlone(bool centered, float momentum, bool biasCorrection, EpsilonPlacement placement)
    {
        float[] parameters = Some.Normals(1, Length);
        float[] before = [.. parameters];
        var optimizer = new RmsProp(Length, 0.9f, 1e-2f, placement, biasCorrection, momentum, centered);

        for (int step = 0; step < 3; step++)
            optimizer.Step(parameters, new float[Length], 1);

        Assert.Equal(before, parameters);
    }

    [Fact]
    public void Step_CenteredWithANearlyConstantGradient_StaysFinite()
    {
        float[] parameters = [0];
        var optimizer = new RmsProp(1, 0.9f, 1e-2f, centered: true);

        for (int step = 0; step < 1000; step++)
        {
            optimizer.Step(parameters, [1.1f + 1e-7f * (step % 3)], 1e-3f);
            Assert.True(float.IsFinite(parameters[0]));
        }
        // The variance vanishes in rounding: at least g/(√(ulps of g²) + ε) ≈ 100 per step once m is constant.
        Assert.InRange(parameters[0], -1000 * 1e-3f * 1.1f / 1e-2f, -10);
    }

    [Fact]
    public void StepCount_AfterSteps_CountsThem()
    {
        var optimizer = new RmsProp(2, 0.9f, 1e-6f);
        float[] parameters = [1, 1];

        optimizer.Step(parameters, [1, 1], 0.1f);
        optimizer.Step(parameters, [1, 1], 0);

        Assert.Equal(2, optimizer.StepCount);
        Assert.Equal(2, optimizer.ParameterCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void Constructor_ParameterCountBelowOne_Throws(int count)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new RmsProp(count, 0.9f, 1e-6f));

        Assert.Equal("parameterCount", exception.ParamName);
        Assert.Equal(count, exception.ActualValue);
    }

    [Theory]
    [InlineData(-0.001f)]
    [InlineData(1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Constructor_AlphaOrMomentumOutsideItsRange_ThrowsWithNameValueAndRange(float value)
    {
        AssertRange("alpha", value, "[0, 1)", () => new RmsProp(1, value, 1e-6f));
        AssertRange("momentum", value, "[0, 1)", () => new RmsProp(1, 0.9f, 1e-6f, momentum: value));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1e-6f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Constructor_EpsilonNotAboveZero_ThrowsWithNameValueAndRange(float value) =>
        AssertRange("epsilon", value, "greater than 0", () => new RmsProp(1, 0.9f, value));

    [Fact]
    public void Constructor_UndefinedEpsilonPlacement_ThrowsWithTheChoices() =>
        AssertRange("epsilonPlacement", (EpsilonPlacement)7, "OutsideSquareRoot, InsideSquareRoot",
            () => new RmsProp(1, 0.9f, 1, (EpsilonPlacement)7));

    [Theory]
    [InlineData(-1e-9f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Step_LearningRateNegativeOrNotFinite_ThrowsAndChangesNothing(float value)
    {
        var optimizer = new RmsProp(1, 0.9f, 1e-6f);
        float[] parameters = [3];

        AssertRange("learningRate", value, "0 or greater", () =>
        {
            optimizer.Step(parameters, [1f], value);
            return null;
        });

        Assert.Equal([3f], parameters);
        Assert.Equal(0, optimizer.StepCount);
        Assert.Equal([0f], optimizer.MeanSquare.ToArray());
    }

    [Theory]
    [InlineData(1, 2, "parameters")]
    [InlineData(3, 2, "parameters")]
    [InlineData(2, 1, "gradient")]
    [InlineData(2, 3, "gradient")]
    public void Step_WrongLength_ThrowsWithBothLengths(int parameters, int gradient, string name)
    {
        var exception = Assert.Throws<ArgumentException>(() =>
            new RmsProp(2, 0.9f, 1e-6f).Step(new float[parameters], new float[gradient], 0.1f));

        Assert.Equal(name, exception.ParamName);
        Assert.Contains($"length {(name == "parameters" ? parameters : gradient)}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("2 is needed", exception.Message, StringComparison.Ordinal);
    }

    private static void AssertRange(string name, object value, string range, Func<object?> action)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(action);
        Assert.Equal(name, exception.ParamName);
        Assert.Equal(value, exception.ActualValue);
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
        Assert.Contains(range, exception.Message, StringComparison.Ordinal);
    }
}
