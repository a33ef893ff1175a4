using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

/// <summary>The vector code against the scalar formula in float: equal bits, at every length.</summary>
public sealed class RmsPropRuleTests
{
    private const int LongestLength = 257;
    private const float Alpha = 0.9f;
    private const float Epsilon = 1e-3f;

    public static TheoryData<float, EpsilonPlacement> Forms => new()
    {
        { 0, EpsilonPlacement.InsideSquareRoot },
        { 0, EpsilonPlacement.OutsideSquareRoot },
        { 0.9f, EpsilonPlacement.InsideSquareRoot },
        { 0.9f, EpsilonPlacement.OutsideSquareRoot },
    };

    [Theory, MemberData(nameof(Forms))]
    public void Step_AnyLength_EqualsTheScalarFormulaBitForBit(float momentum, EpsilonPlacement placement)
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            (float[] expected, float[] actual) = (Some.Normals(1, length), Some.Normals(1, length));
            (float[] meanSquare, float[] velocity) = (new float[length], new float[length]);
            var oracle = new ScalarRmsProp<float>(length, Alpha, Epsilon, placement, biasCorrection: false, momentum, centered: false);
            for (int step = 0; step < 3; step++)
            {
                float[] gradient = Some.Normals(10 + step, length);
                oracle.Step(expected, gradient, 0.1f);
                RmsPropRule.Step(actual, meanSquare, velocity, meanSquare, gradient, Coefficients(momentum, placement, centered: false));
            }
            Assert.Equal(expected, actual);
            Assert.Equal(oracle.MeanSquare, meanSquare);
            Assert.Equal(oracle.Velocity, velocity);
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void StepCentered_AnyLength_EqualsTheScalarFormulaBitForBit(float momentum, EpsilonPlacement placement)
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            (float[] expected, float[] actual) = (Some.Normals(1, length), Some.Normals(1, length));
            (float[] meanSquare, float[] meanGradient, float[] velocity) = (new float[length], new float[length], new float[length]);
            var oracle = new ScalarRmsProp<float>(length, Alpha, Epsilon, placement, biasCorrection: false, momentum, centered: true);
            for (int step = 0; step < 3; step++)
            {
                float[] gradient = Some.Normals(10 + step, length);
                oracle.Step(expected, gradient, 0.1f);
                RmsPropRule.Step(actual, meanSquare, velocity, meanGradient, gradient, Coefficients(momentum, placement, centered: true));
            }
            Assert.Equal(expected, actual);
            Assert.Equal(oracle.MeanSquare, meanSquare);
            Assert.Equal(oracle.Velocity, velocity);
        }
    }

    [Fact]
    public void StepCentered_MeanSquareBelowTheSquaredMean_TakesAVarianceOfZero()
    {
        // s − m² is −0.5 in every coordinate, vector part and tail.
        var parameters = new float[LongestLength];
        float[] meanSquare = Enumerable.Repeat(0.5f, LongestLength).ToArray();
        float[] meanGradient = Enumerable.Repeat(1f, LongestLength).ToArray();
        float[] gradient = Enumerable.Repeat(1f, LongestLength).ToArray();
        var step = new StepCoefficients(LearningRate: 0.25f, Alpha: 1, Momentum: 0, EpsilonInside: 0, EpsilonOutside: 0.5f, Correction: 1, Centered: true);

        RmsPropRule.Step(parameters, meanSquare, new float[LongestLength], meanGradient, gradient, step);

        Assert.All(parameters, parameter => Assert.Equal(-0.25f * 1 / 0.5f, parameter));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Step_WithItsState_EqualsTheScalarFormulaBitForBitAtAnyLength(bool centered, bool biasCorrection)
    {
        var rule = new RmsPropRule(new RuleSettings(Alpha, Epsilon, EpsilonPlacement.OutsideSquareRoot, biasCorrection, Momentum: 0.9f, centered));
        for (int length = 0; length <= LongestLength; length++)
        {
            (float[] expected, float[] actual) = (Some.Normals(1, length), Some.Normals(1, length));
            var state = new RuleState(rule.StateNames, length);
            var oracle = new ScalarRmsProp<float>(length, Alpha, Epsilon, EpsilonPlacement.OutsideSquareRoot, biasCorrection, momentum: 0.9f, centered);
            for (int step = 0; step < 3; step++)
            {
                float[] gradient = Some.Normals(10 + step, length);
                oracle.Step(expected, gradient, 0.1f / (1 + step));
                rule.Step(actual, state, gradient, 0.1f / (1 + step));
            }
            Assert.Equal(expected, actual);
            Assert.Equal(oracle.MeanSquare, state[RmsPropRule.MeanSquare]);
            Assert.Equal(oracle.Velocity, state[RmsPropRule.Velocity]);
            Assert.Equal(3, state.StepCount);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void StateNames_PlainAndCentered_AreWhatTheRuleKeeps(bool centered)
    {
        var rule = new RmsPropRule(new RuleSettings(Alpha, Epsilon, EpsilonPlacement.OutsideSquareRoot, BiasCorrection: true, Momentum: 0.9f, centered));

        string[] expected = centered
            ? [RmsPropRule.MeanSquare, RmsPropRule.Velocity, RmsPropRule.MeanGradient]
            : [RmsPropRule.MeanSquare, RmsPropRule.Velocity];
        Assert.Equal(expected, rule.StateNames);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Proximal_AnyParameters_ShrinksThemByTheMoveOfAPlainStepAndClampsThem(bool biasCorrection)
    {
        const int Length = 40;
        const float Rate = 0.1f;
        var rule = new RmsPropRule(new RuleSettings(Alpha, Epsilon, EpsilonPlacement.OutsideSquareRoot, biasCorrection, Momentum: 0.9f, Centered: false));
        var state = new RuleState(rule.StateNames, Length);
        float[] parameters = Some.Normals(1, Length);
        rule.Step(parameters, state, Some.Normals(2, Length), Rate);
        float[] before = [.. parameters];
        float[] penalty = [.. Some.Normals(3, Length).Select(value => Math.Abs(value))];
        float[] lower = [.. Enumerable.Range(0, Length).Select(i => i % 3 == 0 ? 0 : float.NegativeInfinity)];

        rule.Proximal(parameters, state, penalty, lower, Rate);

        for (int i = 0; i < Length; i++)
        {
            double meanSquare = state[RmsPropRule.MeanSquare][i] * (biasCorrection ? 1 / (1 - (double)Alpha) : 1);
            double move = Rate * penalty[i] / (Math.Sqrt(meanSquare) + Epsilon);
            double shrunk = Math.Sign(before[i]) * Math.Max(Math.Abs(before[i]) - move, 0);
            Assert.Equal(Math.Max(shrunk, lower[i]), parameters[i], 1e-5);        // a few roundings of numbers around 1
        }
        Assert.Contains(0f, parameters);
        Assert.Contains(parameters, parameter => parameter != 0);
    }

    private static StepCoefficients Coefficients(float momentum, EpsilonPlacement placement, bool centered) =>
        placement == EpsilonPlacement.InsideSquareRoot
            ? new(0.1f, Alpha, momentum, EpsilonInside: Epsilon, EpsilonOutside: 0, Correction: 1, centered)
            : new(0.1f, Alpha, momentum, EpsilonInside: 0, EpsilonOutside: Epsilon, Correction: 1, centered);
}
