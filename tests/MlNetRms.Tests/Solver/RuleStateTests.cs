using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;


namespace MlNetRms.Tests.Solver;

public sealed class RuleStateTests
{
    [Fact]
    public void Constructor_AnyNames_GivesEachAnArrayOfZeros()
    {
        var state = new RuleState(["First", "Second"], 3);

        Assert.Equal(new float[3], state["First"]);
        Assert.Same(state[1], state["Second"]);
        Assert.NotSame(state[0], state[1]);
        Assert.Equal((0, 1), (state.StepCount, state.AlphaPower));
    }

    [Fact]
    public void Indexer_UnknownName_ThrowsWithTheNamesThereAre()
    {
        var exception = Assert.Throws<ArgumentException>(() => new RuleState(["First", "Second"], 3)["Third"]);

        Assert.StartsWith("There is no 'Third'; there are First, Second.", exception.Message, StringComparison.Ordinal);
    }
}
