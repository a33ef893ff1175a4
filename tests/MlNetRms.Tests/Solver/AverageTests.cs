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

    [Theory]
    [InlineData(0, 15, 5, new long[] { 2, 5, 10, 15 })]
    [InlineData(0, 17, 5, new long[] { 2, 5, 10, 17 })]        // 15 would leave two steps before the planned average
    [InlineData(100, 115, 5, new long[] { 102, 105, 110, 115 })]
    [InlineData(0, 10, 10, new long[] { 5, 10 })]
    [InlineData(0, 9, 10, new long[] { 9 })]
    [InlineData(0, 3, 1, new long[] { 1, 2, 3 })]
    [InlineData(0, 15, 0, new long[0])]        // no running window
    [InlineData(0, 0, 5, new long[0])]        // all steps are averaged
    [InlineData(20, 15, 5, new long[0])]        // steps of the training before are averaged too
    public void RestartsAfter_EveryStep_IsOncePerWindowAndWhereThePlannedAverageBegins(long start, long first, long window, long[] expected)
    {
        var plan = new AveragingPlan(start, first, window);

        Assert.Equal(expected, Enumerable.Range(1, 40).Select(step => start + step).Where(plan.RestartsAfter));
        Assert.Equal(window > 0 ? Math.Min(start, first) : first, plan.Begin);
        Assert.Equal(window > 0 && first + window > start ? [first + window] : [],
            Enumerable.Range(1, 40).Select(step => start + step).Where(plan.DropsEarlierAfter));
    }

    [Theory]
    [InlineData(20, 5, 15, 18, true)]        // turned in this training
    [InlineData(20, 5, 20, 25, true)]
    [InlineData(20, 5, 5, 12, false)]        // of the training before
    [InlineData(20, 0, 15, 18, false)]        // without a window only the planned average
    [InlineData(20, 0, 20, 25, true)]
    [InlineData(5, 5, 5, 12, true)]        // it begins in the training before
    [InlineData(20, 5, 20, 12, false)]        // planned there, and never begun
    public void HasSums_OfThisTrainingOrOfThePlannedAverage_IsTrue(long first, long window, long begin, long stepCount, bool expected) =>
        Assert.Equal(expected, new AveragingPlan(Start: 12, first, window).HasSums(begin, stepCount));
}
