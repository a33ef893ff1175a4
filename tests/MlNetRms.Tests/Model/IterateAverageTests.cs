using MlNetRms.Model;

namespace MlNetRms.Tests.Model;

public sealed class IterateAverageTests
{
    [Theory]
    [InlineData(0, 4.5)]
    [InlineData(5, 7)]
    [InlineData(9, 9)]
    [InlineData(10, -1)]        // no step counts: the last weights as they are
    public void Mean_FromSomeStepOn_IsTheMeanOfTheWeightsAfterTheStepsThatCount(long firstStep, double expected)
    {
        var average = new IterateAverage(1, firstStep);

        for (int step = 0; step < 10; step++)
            average.Add(step, [step]);

        Assert.Equal([expected], Mean(average, stepCount: 10, last: -1));
    }

    [Fact]
    public void Mean_MillionsOfEqualWeights_LosesNoDigit()
    {
        var average = new IterateAverage(1, 0);

        for (int step = 0; step < 3_000_000; step++)
            average.Add(step, [0.1f]);

        // A float sum would stop growing at 2²¹; in double, three million roundings of half a unit each.
        Assert.Equal(0.1f, Mean(average, stepCount: 3_000_000, last: 0)[0], 1e-9);
    }

    private static double[] Mean(IterateAverage average, long stepCount, float last)
    {
        var mean = new double[1];
        average.Mean(stepCount, [last], mean);
        return mean;
    }
}
