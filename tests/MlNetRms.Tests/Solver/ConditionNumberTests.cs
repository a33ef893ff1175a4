using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class ConditionNumberTests
{
    private static readonly Dictionary<string, Func<Examples>> _sets = new()
    {
        ["independent"] = () => Some.Linear(1, 500, 10),
        ["many"] = () => Some.Linear(1, 700, 300),
        ["correlation 0.9"] = () => Equicorrelated(100, 0.9),
        ["correlation 0.999"] = () => Equicorrelated(100, 0.999),
        ["two strongly correlated among many"] = () => Changed(Some.Linear(1, 500, 60), row => row[40] = row[7] + 0.001f * row[40]),
        ["powers"] = () => new Examples([.. Enumerable.Range(1, 400).Select(i => Enumerable.Range(1, 6).Select(p => MathF.Pow(i / 40f, p)).ToArray())], Some.Normals(1, 400)),
        ["one column"] = () => Some.Linear(1, 50, 1),
    };

    public static TheoryData<string> Sets => [.. _sets.Keys];

    [Theory, MemberData(nameof(Sets))]
    public void Estimate_FullRank_IsALittleBelowThatOfTheSingularValues(string set)
    {
        Examples rows = _sets[set]();
        double[] means = [.. Enumerable.Range(0, rows.Width).Select(i => rows.Features.Average(row => (double)row[i]))];
        double[] deviations = [.. means.Select((mean, i) => Math.Sqrt(rows.Features.Average(row => Math.Pow(row[i] - mean, 2))))];
        Vector<double> singular = Matrix<double>.Build.Dense(rows.Count, rows.Width, (row, i) => (rows.Features[row][i] - means[i]) / deviations[i]).Svd(false).S;

        double estimate = Estimate(rows);

        Assert.InRange(estimate / (singular[0] / singular[^1]), 0.75, 1.001);
    }

    [Theory]
    [InlineData("duplicate")]
    [InlineData("indicators of three levels")]
    [InlineData("constant")]
    public void Estimate_ColumnsThatDependOnOthers_IsThatOfTheRest(string which)
    {
        int level = 0;
        Examples rows = Changed(Some.Linear(1, 600, 6), row =>
        {
            level = (level + 1) % 3;
            if (which == "duplicate")
                row[3] = row[2];
            else if (which == "constant")
                row[3] = 7;
            else
                (row[0], row[1], row[2]) = (level == 0 ? 1 : 0, level == 1 ? 1 : 0, level == 2 ? 1 : 0);
        });

        Assert.InRange(Estimate(rows), 1, 2);
    }

    private static double Estimate(Examples rows)
    {
        using TrainingRows read = Stored.Read(rows, new());
        return ConditionNumber.Estimate(Covariance.Compute(read.Training, CancellationToken.None));
    }

    private static Examples Equicorrelated(int columns, double correlation)
    {
        float[] common = Some.Normals(3, 2000);
        int next = 0;
        return Changed(Some.Linear(1, 2000, columns), row =>
        {
            for (int i = 0; i < row.Length; i++)
                row[i] = (float)(Math.Sqrt(correlation) * common[next] + Math.Sqrt(1 - correlation) * row[i]);
            next++;
        });
    }

    private static Examples Changed(Examples rows, Action<float[]> change)
    {
        foreach (float[] row in rows.Features)
            change(row);
        return rows;
    }
}
