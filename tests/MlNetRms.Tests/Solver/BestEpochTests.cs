using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Solver;

public sealed class BestEpochTests
{
    [Theory]
    [InlineData(-100, -100.4, false)]        // lower, but not by a hundredth
    [InlineData(-100, -101.1, true)]
    [InlineData(-100, -99.5, false)]        // higher
    [InlineData(100, 99.5, false)]
    [InlineData(100, 98.9, true)]
    public void Add_LossOfAnySign_MustFallByTheMinimumImprovement(double before, double after, bool improves)
    {
        var best = new BestEpoch(patience: 5, minimumImprovement: 0.01f);
        best.Add(1, before, [1]);

        best.Add(2, after, [2]);

        Assert.Equal(improves ? 2 : 1, best.State!.Epoch);
    }
}
