using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>Default options on raw features are close to least squares.</summary>
public sealed class RealDataTests
{
    public static TheoryData<string> Names => new(RealData.Names);

    [DataTheory, MemberData(nameof(Names))]
    public void Fit_DefaultOptionsOnARealSet_IsWithinAHundredthOfAPercentOfLeastSquares(string name)
    {
        Examples training = TrainingRows(RealData.Read(name));

        double excess = training.Fit().Rmse(training) / new LeastSquares(training).Rmse(training) - 1;

        Assert.InRange(excess, -1e-5, 1e-4);        // below the optimum only because of dropped singular values and float rounding
    }

    private static Examples TrainingRows(Examples rows)
    {
        int[] order = Enumerable.Range(0, rows.Count).ToArray();
        new Random(1).Shuffle(order);
        return rows.Take(order[..(rows.Count * 8 / 10)]);
    }
}
