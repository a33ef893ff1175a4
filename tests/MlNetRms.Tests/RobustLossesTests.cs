using Microsoft.ML.Trainers;

namespace MlNetRms.Tests;

public sealed class RobustLossesTests
{
    private static readonly Dictionary<string, (IRegressionLoss Loss, Func<double, double> Formula)> _losses = new()
    {
        ["Huber 1"] = (new HuberLoss(), r => Math.Abs(r) <= 1 ? 0.5 * r * r : Math.Abs(r) - 0.5),
        ["Huber 0.3"] = (new HuberLoss(0.3f), r => Math.Abs(r) <= 0.3 ? 0.5 * r * r : 0.3 * (Math.Abs(r) - 0.15)),
        ["absolute"] = (new AbsoluteLoss(), Math.Abs),
        ["quantile 0.5"] = (new QuantileLoss(0.5f), r => 0.5 * Math.Abs(r)),
        ["quantile 0.9"] = (new QuantileLoss(0.9f), r => Math.Max(-0.9 * r, 0.1 * r)),
        ["insensitive 0"] = (new EpsilonInsensitiveLoss(0), Math.Abs),
        ["insensitive 0.5"] = (new EpsilonInsensitiveLoss(0.5f), r => Math.Max(Math.Abs(r) - 0.5, 0)),
        ["log-cosh 1"] = (new LogCoshLoss(), r => Math.Log(Math.Cosh(r))),
        ["log-cosh 2.5"] = (new LogCoshLoss(2.5f), r => 6.25 * Math.Log(Math.Cosh(r / 2.5))),
    };

    public static TheoryData<string> Names => new(_losses.Keys);

    /// <summary>None of them is at a kink of the losses.</summary>
    private static IEnumerable<float> Residuals => Enumerable.Range(-60, 121).Select(i => 0.0625f * i + 0.03125f);

    [Theory, MemberData(nameof(Names))]
    public void Loss_AnyResidual_IsTheFormulaOfItsSummaryWhateverTheLabel(string name)
    {
        (IRegressionLoss loss, Func<double, double> formula) = _losses[name];

        Assert.Equal(0, loss.Loss(7, 7));
        Assert.Equal(0, loss.Derivative(7, 7));
        foreach (float residual in Residuals)
        {
            double expected = formula(residual);
            Assert.Equal(expected, loss.Loss(residual, 0), 1e-6 * (0.1 + expected));        // the parameter is a float
            Assert.Equal(expected, loss.Loss(residual - 8, -8), 1e-6 * (0.1 + expected));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Derivative_AnyResidual_IsTheSlopeOfTheLoss(string name)
    {
        IRegressionLoss loss = _losses[name].Loss;
        const float Distance = 1f / 256;        // and none is this close to a kink

        foreach (float residual in Residuals)
        {
            double slope = (loss.Loss(residual + Distance, 0) - loss.Loss(residual - Distance, 0)) / (2 * Distance);
            Assert.Equal(slope, loss.Derivative(residual, 0), 2e-5);        // third derivatives of at most about 1
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void LossAndDerivative_HugeResiduals_AreFinite(string name)
    {
        IRegressionLoss loss = _losses[name].Loss;

        foreach (float residual in new[] { 1e4f, -1e4f, 1e30f, -1e30f })
        {
            Assert.True(double.IsFinite(loss.Loss(residual, 0)) && loss.Loss(residual, 0) > 0);
            Assert.True(float.IsFinite(loss.Derivative(residual, 0)));
            Assert.Equal(MathF.Sign(residual), MathF.Sign(loss.Derivative(residual, 0)));
        }
    }

    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-8)]
    [InlineData(1e-19)]
    public void Loss_LogCoshOfASmallResidual_IsItsTaylorSeriesToTheLastDigits(double relative)
    {
        foreach (float scale in new[] { 0.5f, 1, 4 })
        {
            var residual = (float)(relative * scale);
            double x = (double)residual / scale;

            double expected = (double)scale * scale * (x * x / 2 - x * x * x * x / 12);

            Assert.Equal(1, new LogCoshLoss(scale).Loss(residual, 0) / expected, 1e-12);
        }
    }

    [Fact]
    public void Properties_OfEachLoss_AreWhatTheConstructorTook() =>
        Assert.Equal((2f, 0.25f, 3f, 4f),
            (new HuberLoss(2).Delta, new QuantileLoss(0.25f).Quantile, new EpsilonInsensitiveLoss(3).Epsilon, new LogCoshLoss(4).Scale));

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(1e-39f)]
    [InlineData(float.Epsilon)]
    public void Constructor_DeltaOrScaleNotAboveZero_ThrowsWithNameAndValue(float value)
    {
        AssertOutOfRange("delta", value, () => new HuberLoss(value));
        AssertOutOfRange("scale", value, () => new LogCoshLoss(value));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    [InlineData(-0.5f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Constructor_QuantileOutsideZeroToOne_ThrowsWithNameAndValue(float value) =>
        AssertOutOfRange("quantile", value, () => new QuantileLoss(value));

    [Theory]
    [InlineData(-1e-6f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Constructor_EpsilonBelowZero_ThrowsWithNameAndValue(float value) =>
        AssertOutOfRange("epsilon", value, () => new EpsilonInsensitiveLoss(value));

    private static void AssertOutOfRange(string name, float value, Func<object> make)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(make);
        Assert.Equal((name, value), (exception.ParamName, (float)exception.ActualValue!));
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }
}
