using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Solver;

public sealed class AveragingPlanTests
{
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
    public void RestartsAfter_EveryStep_IsOnceAWindowAndWhereThePlannedAverageBegins(long start, long first, long window, long[] expected)
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
