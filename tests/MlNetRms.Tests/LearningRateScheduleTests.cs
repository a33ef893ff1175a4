using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

public sealed class LearningRateScheduleTests
{
    [Theory]
    [InlineData(0, 10, 1)]
    [InlineData(9, 10, 1)]
    [InlineData(long.MaxValue - 1, long.MaxValue, 1)]
    public void Constant_AnyStep_IsOne(long step, long total, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.Constant.Factor(step, total));

    [Theory]
    [InlineData(0, 4, 1)]
    [InlineData(1, 4, 0.853553390593)]
    [InlineData(2, 4, 0.5)]
    [InlineData(3, 4, 0.146446609407)]
    [InlineData(4, 4, 0)]
    [InlineData(3_000_000_000, 6_000_000_000, 0.5)]
    public void CosineToZero_SomeSteps_IsHalfOfOnePlusTheCosine(long step, long total, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.CosineToZero.Factor(step, total), 1e-12);

    [Theory]
    [InlineData(0.03, 0.8, 0, 100, 1)]
    [InlineData(0.03, 0.8, 20, 100, 0.857946788875)]
    [InlineData(0.03, 0.8, 40, 100, 0.515)]
    [InlineData(0.03, 0.8, 80, 100, 0.03)]
    [InlineData(0.03, 0.8, 99, 100, 0.03)]
    [InlineData(0.25, 0.5, 1_500_000_000, 6_000_000_000, 0.625)]
    [InlineData(0.25, 0.5, 3_000_000_000, 6_000_000_000, 0.25)]
    [InlineData(0, 1, 3, 4, 0.146446609407)]
    [InlineData(1, 0.5, 1, 4, 1)]
    public void CosineThenConstant_SomeSteps_FallsAlongTheCosineAndStaysAtTheFloor(double floor, double decay, long step, long total,
        double expected) =>
        Assert.Equal(expected, LearningRateSchedule.CosineThenConstant(floor, decay).Factor(step, total), 1e-12);

    [Fact]
    public void CosineThenConstant_DefaultArguments_AreThreeHundredthsFromEightTenthsOn()
    {
        LearningRateSchedule schedule = LearningRateSchedule.CosineThenConstant();

        Assert.All(Enumerable.Range(0, 100),
            step => Assert.Equal(LearningRateSchedule.CosineThenConstant(0.03, 0.8).Factor(step, 100), schedule.Factor(step, 100)));
        Assert.All(Enumerable.Range(1, 79), step => Assert.True(schedule.Factor(step, 100) < schedule.Factor(step - 1, 100)));
    }

    [Fact]
    public void CosineThenConstant_FloorZeroOverAllSteps_IsCosineToZero() =>
        Assert.All(Enumerable.Range(0, 101), step =>
            Assert.Equal(LearningRateSchedule.CosineToZero.Factor(step, 100), LearningRateSchedule.CosineThenConstant(0, 1).Factor(step, 100),
                1e-15));

    [Theory]
    [InlineData("floor", -0.001, 0.5, "[0, 1]")]
    [InlineData("floor", 1.001, 0.5, "[0, 1]")]
    [InlineData("floor", double.NaN, 0.5, "[0, 1]")]
    [InlineData("floor", double.PositiveInfinity, 0.5, "[0, 1]")]
    [InlineData("decayFraction", 0.5, 0, "(0, 1]")]
    [InlineData("decayFraction", 0.5, -1, "(0, 1]")]
    [InlineData("decayFraction", 0.5, 1.001, "(0, 1]")]
    [InlineData("decayFraction", 0.5, double.NaN, "(0, 1]")]
    [InlineData("decayFraction", 0.5, double.NegativeInfinity, "(0, 1]")]
    public void CosineThenConstant_OutsideItsRange_ThrowsWithNameValueAndRange(string name, double floor, double decay, string range)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.CosineThenConstant(floor, decay));

        Assert.Equal(name, exception.ParamName);
        Assert.Equal(name == "floor" ? floor : decay, exception.ActualValue);
        Assert.Contains(range, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 4, 1)]
    [InlineData(1, 4, 0.75)]
    [InlineData(4, 4, 0)]
    [InlineData(3_000_000_000, 6_000_000_000, 0.5)]
    public void LinearToZero_SomeSteps_IsTheShareThatIsLeft(long step, long total, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.LinearToZero.Factor(step, total), 1e-12);

    [Theory]
    [InlineData(100, 0, 1)]
    [InlineData(100, 100, 0.707106781187)]
    [InlineData(1, 3, 0.5)]
    [InlineData(1, 3_999_999_999_999, 5e-7)]
    public void InverseSquareRoot_SomeSteps_FallsWhateverTheTotal(long decaySteps, long step, double expected)
    {
        LearningRateSchedule schedule = LearningRateSchedule.InverseSquareRoot(decaySteps);

        Assert.Equal(expected, schedule.Factor(step, 10), 1e-12);
        Assert.Equal(schedule.Factor(step, 10), schedule.Factor(step, 1_000_000));
    }

    [Theory]
    [InlineData(0.5, 10, 0, 1)]
    [InlineData(0.5, 10, 9, 1)]
    [InlineData(0.5, 10, 10, 0.5)]
    [InlineData(0.5, 10, 29, 0.25)]
    [InlineData(1.0, 1, 1000, 1)]
    [InlineData(0.1, 1, 1_000_000, 0)]
    public void StepDecay_SomeSteps_DropsEverySoManySteps(double factor, long stepsPerDrop, long step, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.StepDecay(factor, stepsPerDrop).Factor(step, 100), 1e-15);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void InverseSquareRootAndStepDecay_StepsBelowOne_Throw(long steps)
    {
        Assert.Equal("decaySteps", Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.InverseSquareRoot(steps)).ParamName);
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.StepDecay(0.5, steps));
        Assert.Equal("stepsPerDrop", exception.ParamName);
        Assert.Equal(steps, exception.ActualValue);
        Assert.Contains("at least 1", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-0.5)]
    [InlineData(1.0001)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void StepDecay_FactorOutsideItsRange_ThrowsWithNameValueAndRange(double factor)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.StepDecay(factor, 1));

        Assert.Equal("factor", exception.ParamName);
        Assert.Equal(factor, exception.ActualValue);
        Assert.Contains("(0, 1]", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Custom_NameOrFunctionMissing_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => LearningRateSchedule.Custom(null!, (_, _) => 1));
        Assert.Throws<ArgumentException>(() => LearningRateSchedule.Custom("", (_, _) => 1));
        Assert.Throws<ArgumentNullException>(() => LearningRateSchedule.Custom("mine", null!));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.1)]
    [InlineData(double.PositiveInfinity)]
    public void Factor_CustomGivesNoUsableNumber_ThrowsWithNameAndStep(double factor)
    {
        LearningRateSchedule schedule = LearningRateSchedule.Custom("mine", (_, _) => factor);

        var exception = Assert.Throws<InvalidOperationException>(() => schedule.Factor(3, 10));

        Assert.Contains("'mine'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("step 3 of 10", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(1e300)]        // finite, but the resulting learning rate is not
    public void Fit_CustomScheduleGoesAstray_ThrowsInvalidOperation(double factor)
    {
        LearningRateSchedule schedule = LearningRateSchedule.Custom("mine", (step, _) => step < 5 ? 1 : factor);

        var exception = Assert.Throws<InvalidOperationException>(() =>
            Some.Linear(1, 20, 2).Fit(new() { NumberOfEpochs = 10, LearningRateSchedule = schedule }));

        Assert.Contains("'mine'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("step 5 of 10", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_CustomSchedule_IsAskedForEveryStepAndUsed()
    {
        var asked = new List<(long Step, long Total)>();
        LearningRateSchedule schedule = LearningRateSchedule.Custom("mine", (step, total) =>
        {
            asked.Add((step, total));
            return 1.0 / (1 + step);
        });

        RmsPropRegressionTransformer model = Some.Linear(1, 20, 5)
            .Fit(new() { NumberOfEpochs = 3, Decorrelate = false, BatchSize = 5, LearningRate = 0.5f, LearningRateSchedule = schedule });

        Assert.Equal(Enumerable.Range(0, 12).Select(step => ((long)step, 12L)), asked);
        Assert.All(model.Training.Epochs.Zip([4, 8, 12]), pair => Assert.Equal(model.Training.LearningRate / pair.Second, pair.First.LearningRate));
        Assert.Equal(0.5, model.Training.LearningRate, 1e-6);        // five standardised columns
    }

    [Fact]
    public void Fit_CustomScheduleOfZero_LeavesTheWeightsAtTheirStart()
    {
        RmsPropRegressionTransformer model = Some.Linear(1, 20, 2)
            .Fit(new() { NumberOfEpochs = 3, LearningRateSchedule = LearningRateSchedule.Custom("still", (_, _) => 0) });

        Assert.Equal([0f, 0f], model.Model.Weights);
    }

    [Fact]
    public void ToString_AnySchedule_IsItsNameInAnyCulture()
    {
        Assert.Equal("step decay (0.5 every 10)", LearningRateSchedule.StepDecay(0.5, 10).ToString());
        Assert.Equal("inverse square root (100)", LearningRateSchedule.InverseSquareRoot().Name);
        Assert.Equal("mine", LearningRateSchedule.Custom("mine", (_, _) => 1).ToString());
        Assert.Equal("constant", LearningRateSchedule.Constant.ToString());
        Assert.Equal("cosine to zero", LearningRateSchedule.CosineToZero.ToString());
        Assert.Equal("linear to zero", LearningRateSchedule.LinearToZero.ToString());
        Assert.Equal("cosine to 0.03 over 0.8 of the steps, then constant", LearningRateSchedule.CosineThenConstant().ToString());
    }
}
