using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class LargestFeatureTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Of_OneOutlier_IsItsColumnAndValue(int sparseColumns)
    {
        Examples rows = sparseColumns > 0 ? Some.MostlyZero(1, 500, 4, sparseColumns, 3) : Some.Linear(1, 500, 4);
        int column = rows.Width - 1;
        rows.Features[123][column] = -12345;

        using TrainingRows read = Stored.Read(rows, new() { Standardize = false });

        Assert.Equal((column, -12345f), LargestFeature.Find(read.Training));
    }
}
