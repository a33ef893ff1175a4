using MlNetRms.Kernels;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Kernels;

/// <summary>The vector kernels against the scalar formula in float: equal bits, at every length.</summary>
public sealed class RmsPropKernelsTests
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
                RmsPropKernels.Step(actual, meanSquare, velocity, gradient, Coefficients(momentum, placement));
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
                RmsPropKernels.StepCentered(actual, meanSquare, meanGradient, velocity, gradient, Coefficients(momentum, placement));
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
        var step = new StepCoefficients(LearningRate: 0.25f, Alpha: 1, Momentum: 0, EpsilonInside: 0, EpsilonOutside: 0.5f, Correction: 1);

        RmsPropKernels.StepCentered(parameters, meanSquare, meanGradient, new float[LongestLength], gradient, step);

        Assert.All(parameters, parameter => Assert.Equal(-0.25f * 1 / 0.5f, parameter));
    }

    private static StepCoefficients Coefficients(float momentum, EpsilonPlacement placement) =>
        placement == EpsilonPlacement.InsideSquareRoot
            ? new(0.1f, Alpha, momentum, EpsilonInside: Epsilon, EpsilonOutside: 0, Correction: 1)
            : new(0.1f, Alpha, momentum, EpsilonInside: 0, EpsilonOutside: Epsilon, Correction: 1);
}
