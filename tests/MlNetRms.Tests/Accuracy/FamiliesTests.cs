using MlNetRms.Benchmarks.Accuracy.Families;
using Xunit.Abstractions;

namespace MlNetRms.Tests.Accuracy;

/// <summary>Ordinary data of many kinds: the model is within a tenth of a percent of least squares, or the log says that it is not.</summary>
[Trait("Vectors", "Irrelevant")]
public sealed class FamiliesTests(ITestOutputHelper output)
{
    private const int UsualTables = 40;

    /// <summary>All but those with more columns than can be whitened, which train for seconds.</summary>
    public static TheoryData<string> Families => [.. Family.All.Except(WideFamilies.All).Select(family => family.Name)];

    [Theory, MemberData(nameof(Families))]
    public void Fit_DataOfAFamily_IsNearLeastSquaresOrWarns(string name)
    {
        Family family = Family.All.Single(family => family.Name == name);
        AssertNoneIsSilentlyWrong(new ulong[] { 1, 2, 3 }.Select(seed => ($"seed {seed}", Trial.Of(family.Small(seed)))));
    }

    /// <summary>More tables: the environment variable <c>MLNETRMS_RANDOM_TABLES</c>.</summary>
    [Fact]
    public void Fit_RandomTables_IsNearLeastSquaresOrWarns()
    {
        AssertNoneIsSilentlyWrong(Enumerable.Range(1, RandomTable.Count(UsualTables)).Select(seed =>
        {
            var table = new RandomTable((ulong)seed);
            return ($"seed {seed}, {table}", Trial.Of(table.Examples));
        }));
    }

    private void AssertNoneIsSilentlyWrong(IEnumerable<(string Name, Trial Trial)> trials)
    {
        var wrong = new List<string>();
        foreach ((string name, Trial trial) in trials)
        {
            output.WriteLine($"{name}: {trial}");
            if (trial.IsSilentlyWrong)
                wrong.Add($"{name}: {trial}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }
}
