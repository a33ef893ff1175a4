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

        (float[] weights, float bias) = new LeastSquares(training).Rounded();

        double excess = training.Fit().Rmse(training) / Models.Linear(weights, bias).Rmse(training) - 1;

        Assert.InRange(excess, -5e-4, 1e-4);        // the columns of one set are so dependent that chance rounds either model better
    }

    private static Examples TrainingRows(Examples rows)
    {
        int[] order = Enumerable.Range(0, rows.Count).ToArray();
        new Random(1).Shuffle(order);
        return rows.Take(order[..(rows.Count * 8 / 10)]);
    }
}
