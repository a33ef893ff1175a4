using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Rows;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class LeadingDirectionsTests
{
    [Theory]
    [InlineData(60, 2000, false)]
    [InlineData(60, 2000, true)]
    [InlineData(700, 300, false)]        // fewer rows than columns
    public void Find_CommonFactors_AreTheFirstEigenvectorsOfTheCovariance(int columns, int count, bool weighted)
    {
        using TrainingRows read = Stored.Read(Some.WithFactors(1, count, columns, [0.6, 0.2], weighted: weighted), new());

        LeadingDirections leading = LeadingDirections.Find(read.Training, CancellationToken.None)!;

        var eigen = Covariance(read.Training.Shards[0]).Evd(Symmetricity.Symmetric);
        int[] order = [.. Enumerable.Range(0, columns).OrderByDescending(k => eigen.EigenValues[k].Real)];
        Assert.Equal(2, leading.Vectors.Count);
        for (int k = 0; k < 2; k++)
        {
            Vector<double> expected = eigen.EigenVectors.Column(order[k]);
            double variance = eigen.EigenValues[order[k]].Real;
            int found = Enumerable.Range(0, 2).MaxBy(i => Math.Abs(expected.DotProduct(Vector(leading, i, columns))));
            // In the span of both; one that is not quite converged has a little of the other.
            Assert.Equal(1, Enumerable.Range(0, 2).Sum(i => Math.Pow(expected.DotProduct(Vector(leading, i, columns)), 2)), 1e-5);
            Assert.Equal(variance, leading.Variances[found], 0.01 * variance);
        }
        Assert.Equal(0, Vector(leading, 0, columns).DotProduct(Vector(leading, 1, columns)), 1e-6);
        Assert.All(leading.Vectors, vector => Assert.Equal(1, vector.Sum(x => (double)x * x), 1e-6));
        Assert.All(leading.Vectors, vector => Assert.Equal(columns, vector.Length));
    }

    [Theory]
    [InlineData(60, 2000)]
    [InlineData(700, 300)]
    [InlineData(20, 3)]
    public void Find_UncorrelatedColumns_IsNull(int columns, int count)
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, count, columns), new());

        Assert.Null(LeadingDirections.Find(read.Training, CancellationToken.None));
    }

    [Fact]
    public void Find_RowsThatRepeat_LeavesOutWhatDependsOnOthers()
    {
        Examples few = Some.WithFactors(1, 4, 80, [0.9]);
        using TrainingRows read = Stored.Read(few.Take(Enumerable.Range(0, 400).Select(row => row % 4)), new());

        LeadingDirections leading = LeadingDirections.Find(read.Training, CancellationToken.None)!;

        Assert.InRange(leading.Vectors.Count, 1, 3);        // four rows about their mean
        Assert.All(leading.Variances, variance => Assert.InRange(variance, 1, 80.01));
    }

    [Fact]
    public void Find_Cancelled_Throws()
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 300, 20), new());

        Assert.Throws<OperationCanceledException>(() => LeadingDirections.Find(read.Training, new CancellationToken(canceled: true)));
    }

    private static Vector<double> Vector(LeadingDirections leading, int k, int columns) =>
        Vector<double>.Build.Dense(columns, i => leading.Vectors[k][i]);

    private static Matrix<double> Covariance(PackedRows store)
    {
        var rows = Enumerable.Range(0, (int)store.RowCount).Select(position => Stored.Row(store, position)).ToArray();
        double total = rows.Sum(row => (double)row.Weight);
        Matrix<double> x = Matrix<double>.Build.Dense(rows.Length, store.Layout.ColumnCount,
            (row, column) => Math.Sqrt(rows[row].Weight / total) * rows[row].Features[column]);
        return x.TransposeThisAndMultiply(x);
    }
}
