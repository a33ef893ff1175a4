using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Solver;

public sealed class AverageTests
{
    [Theory]
    [InlineData(0, 4.5)]
    [InlineData(5, 7)]
    [InlineData(9, 9)]
    [InlineData(10, -1)]        // no step counts: the last weights as they are
    public void Mean_FromSomeStepOn_IsTheMeanOfTheWeightsAfterTheStepsThatCount(long firstStep, double expected)
    {
        var average = new Average(1, firstStep);

        for (int step = 0; step < 10; step++)
            average.Add(step + 1, [step]);

        Assert.Equal([expected], Mean(average, stepCount: 10, last: -1));
    }

    [Fact]
    public void Mean_AfterTurns_IsThatOfTheStepsSinceTheTurnBeforeTheLast()
    {
        var average = new Average(1, firstStep: 0);
        var means = new List<double>();

        for (int step = 0; step < 8; step++)
        {
            average.Add(step + 1, [step]);
            if (step + 1 is 2 or 5)
                average.Restart(step + 1);
            if (step + 1 == 7)
                average.DropEarlier();
            means.Add(Mean(average, step + 1, last: -1)[0]);
        }

        Assert.Equal([0, 0.5, 1, 1.5, 3, 3.5, 5.5, 6], means);        // of the steps 0, 0-1, 0-2, 0-3, 2-4, 2-5, 5-6, 5-7
    }

    [Fact]
    public void Mean_MillionsOfEqualWeights_LosesNoDigit()
    {
        var average = new Average(1, 0);

        for (int step = 0; step < 3_000_000; step++)
            average.Add(step + 1, [0.1f]);

        // A float sum would stop growing at 2²¹; in double, three million roundings of half a unit each.
        Assert.Equal(0.1f, Mean(average, stepCount: 3_000_000, last: 0)[0], 1e-9);
    }

    private static double[] Mean(Average average, long stepCount, float last) => average.Mean(stepCount, [last], average.Sums);
}
