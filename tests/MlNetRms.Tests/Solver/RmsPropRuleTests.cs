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

    public static TheoryData<float, EpsilonPlacement, bool, bool> Forms
    {
        get
        {
            var forms = new TheoryData<float, EpsilonPlacement, bool, bool>();
            foreach (float momentum in new[] { 0, 0.9f })
            {
                foreach (EpsilonPlacement placement in Enum.GetValues<EpsilonPlacement>())
                {
                    foreach ((bool centered, bool biasCorrection) in new[] { (false, false), (false, true), (true, false), (true, true) })
                        forms.Add(momentum, placement, centered, biasCorrection);
                }
            }
            return forms;
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void Step_AnyLength_EqualsTheScalarFormulaBitForBit(float momentum, EpsilonPlacement placement, bool centered, bool biasCorrection)
    {
        for (int length = 0; length <= LongestLength; length++)
        {
            (float[] expected, float[] actual) = (Some.Normals(1, length), Some.Normals(1, length));
            var oracle = new ScalarRmsProp<float>(length, Alpha, Epsilon, placement, biasCorrection, momentum, centered);
            var rule = new RmsPropRule(new RuleSettings(Alpha, Epsilon, placement, biasCorrection, momentum, centered), length);
            for (int step = 0; step < 3; step++)
            {
                float[] gradient = Some.Normals(10 + step, length);
                oracle.Step(expected, gradient, 0.1f / (1 + step));
                rule.Step(actual, gradient, 0.1f / (1 + step));
            }
            Assert.Equal(expected, actual);
            Assert.Equal(oracle.MeanSquare, rule.MeanSquare);
            Assert.Equal(oracle.Velocity, rule.Velocity);
            Assert.Equal(centered ? oracle.MeanGradient : null, rule.MeanGradient);
            Assert.Equal(3, rule.StepCount);
        }
    }

    [Fact]
    public void StepCentered_MeanSquareBelowTheSquaredMean_TakesAVarianceOfZero()
    {
        // s − m² is −0.5 in every coordinate, in whole vectors and in the remainder.
        RuleSettings settings = Settings(biasCorrection: false, centered: true) with { Alpha = 1, Epsilon = 0.5f, Momentum = 0 };
        var rule = new RmsPropRule(settings, LongestLength);
        Array.Fill(rule.MeanSquare, 0.5f);
        Array.Fill(rule.MeanGradient!, 1f);
        var parameters = new float[LongestLength];
        float[] gradient = Enumerable.Repeat(1f, LongestLength).ToArray();

        rule.Step(parameters, gradient, learningRate: 0.25f);

        Assert.All(parameters, parameter => Assert.Equal(-0.25f * 1 / 0.5f, parameter));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void State_PlainAndCentered_IsWhatTheRuleKeepsByName(bool centered)
    {
        var rule = new RmsPropRule(Settings(biasCorrection: true, centered), 3);

        (string, float[])[] expected = [("MeanSquare", rule.MeanSquare), ("Velocity", rule.Velocity)];
        if (centered)
            expected = [.. expected, ("MeanGradient", rule.MeanGradient!)];
        Assert.Equal(expected, rule.State);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 5)]
    [InlineData(true, 5)]
    [InlineData(true, 1000)]        // αᵗ no longer matters
    public void Restore_IntoANewRule_ContinuesWithTheSameBits(bool centered, int stepCount)
    {
        const int Length = 19;
        RuleSettings settings = Settings(biasCorrection: true, centered);
        var whole = new RmsPropRule(settings, Length);
        float[] expected = Some.Normals(1, Length);
        for (int step = 0; step < stepCount; step++)
            whole.Step(expected, Some.Normals(10 + step, Length), 0.1f);
        float[] actual = [.. expected];
        var restored = new RmsPropRule(settings, Length);

        foreach (((_, float[] from), (_, float[] to)) in whole.State.Zip(restored.State))
            from.CopyTo(to, 0);
        restored.Restore(whole.StepCount);

        for (int step = 0; step < 3; step++)
        {
            whole.Step(expected, Some.Normals(step, Length), 0.1f);
            restored.Step(actual, Some.Normals(step, Length), 0.1f);
        }
        Assert.Equal(expected, actual);
        Assert.Equal(whole.StepCount, restored.StepCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Shrink_AnyParameters_ShrinksThemByTheMoveOfAPlainStepAndClampsThem(bool biasCorrection)
    {
        const int Length = 43;
        const float Rate = 0.1f;
        var rule = new RmsPropRule(Settings(biasCorrection, centered: false), Length);
        float[] parameters = Some.Normals(1, Length);
        rule.Step(parameters, Some.Normals(2, Length), Rate);
        float[] before = [.. parameters];
        float[] penalty = [.. Some.Normals(3, Length).Select(value => Math.Abs(value))];
        float[] lower = [.. Enumerable.Range(0, Length).Select(i => i % 3 == 0 ? 0 : float.NegativeInfinity)];

        rule.Shrink(parameters, penalty, lower, Rate);

        for (int i = 0; i < Length; i++)
        {
            double meanSquare = rule.MeanSquare[i] * (biasCorrection ? 1 / (1 - (double)Alpha) : 1);
            double move = Rate * penalty[i] / (Math.Sqrt(meanSquare) + Epsilon);
            double shrunk = Math.Sign(before[i]) * Math.Max(Math.Abs(before[i]) - move, 0);
            Assert.Equal(Math.Max(shrunk, lower[i]), parameters[i], 1e-5);        // a few roundings of numbers around 1
        }
        Assert.Contains(0f, parameters);
        Assert.Contains(parameters, parameter => parameter != 0);
    }

    private static RuleSettings Settings(bool biasCorrection, bool centered) =>
        new(Alpha, Epsilon, EpsilonPlacement.OutsideSquareRoot, biasCorrection, Momentum: 0.9f, centered);
}
