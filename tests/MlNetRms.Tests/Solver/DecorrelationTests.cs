using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class DecorrelationTests
{
    private static readonly Dictionary<string, Func<Examples>> _sets = new()
    {
        ["independent"] = () => Some.Linear(1, 300, 5),
        ["weighted"] = () => Mixed(Some.Linear(2, 400, 9, weighted: true), 0.5f),
        ["correlated"] = () => Mixed(Some.Linear(3, 500, 17), 5),
        ["nearly collinear"] = () => Mixed(Some.Linear(4, 500, 6), 1000),
        ["one column"] = () => Some.Linear(5, 50, 1),
        ["fewer rows than columns"] = () => Some.Linear(6, 20, 30),
        ["duplicates"] = () => With(Some.Linear(7, 300, 4), row => row[1]),
        ["constant"] = () => With(Some.Linear(8, 300, 4), _ => 7),
    };

    public static TheoryData<string> Sets => [.. _sets.Keys];

    [Theory, MemberData(nameof(Sets))]
    public void Matrix_OfAnySet_WhitensTheDirectionsKept(string set)
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets[set]());
        Matrix<double> kept = Kept(decorrelation, covariance.RowCount);

        Matrix<double> whitened = kept.TransposeThisAndMultiply(covariance * kept);

        Assert.Equal(decorrelation.DirectionCount, kept.ColumnCount);
        Assert.Equal(covariance.RowCount - decorrelation.DirectionCount, decorrelation.DroppedCount);
        Assert.InRange((whitened - Matrix<double>.Build.DenseIdentity(kept.ColumnCount)).Enumerate().Max(Math.Abs), 0, 1e-8);
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(3)]
    public void Matrix_WithL2_WhitensTheCovariancePlusThePenalty(double l2)
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets["correlated"](), l2);
        int columns = covariance.RowCount;
        Matrix<double> matrix = Kept(decorrelation, columns);
        Matrix<double> curvature = covariance + l2 * Matrix<double>.Build.DenseIdentity(columns);

        Matrix<double> whitened = matrix.TransposeThisAndMultiply(curvature * matrix);

        Assert.InRange((whitened - Matrix<double>.Build.DenseIdentity(columns)).Enumerate().Max(Math.Abs), 0, 1e-8);
    }

    [Theory]
    [InlineData("independent")]
    [InlineData("weighted")]
    [InlineData("correlated")]
    [InlineData("nearly collinear")]
    public void ToCoordinates_OfToWeights_IsWhatItWasGivenAndBack(string set)
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets[set]());
        int columns = covariance.RowCount;
        float[] coordinates = Some.Normals(1, columns);
        var weights = new float[columns];

        decorrelation.ToWeights(Padded(coordinates), weights);
        float[] back = [.. weights];
        decorrelation.ToCoordinates(back);
        float[] weightsAgain = new float[columns];
        decorrelation.ToWeights(Padded(back), weightsAgain);

        // Rounded to float in between: the shortest direction magnifies that by the condition number.
        Models.AssertClose(coordinates, back, 1e-6 * decorrelation.ConditionNumber);
        Models.AssertClose(weights, weightsAgain, 1e-6);
        double[] inDouble = Array.ConvertAll(coordinates, u => (double)u);
        decorrelation.ToWeights(inDouble);
        Models.AssertClose(Floats(inDouble), weights, 1e-6);
    }

    [Theory, MemberData(nameof(Sets))]
    public void ToCoordinateGradient_AnyGradient_IsThatOfTheTransposedMatrix(string set)
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets[set]());
        int columns = covariance.RowCount;
        Matrix<double> matrix = MatrixOf(decorrelation, columns);
        float[] gradient = Some.Normals(2, columns);
        float[] actual = Enumerable.Repeat(99f, RowLayout.WholeVectors(columns)).ToArray();

        decorrelation.ToCoordinateGradient(gradient, actual);

        Vector<double> expected = matrix.TransposeThisAndMultiply(Vector<double>.Build.Dense(columns, i => gradient[i]));
        Models.AssertClose(Floats([.. expected]), actual[..columns], 1e-6);
        Assert.All(actual[columns..], g => Assert.Equal(0, g));
    }

    [Fact]
    public void Constructor_DuplicateColumns_GetEqualWeightsAndCountOnce()
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets["duplicates"]());
        Matrix<double> matrix = MatrixOf(decorrelation, covariance.RowCount);

        Assert.Equal((4, 1), (decorrelation.DirectionCount, decorrelation.DroppedCount));
        Assert.InRange((matrix.Row(1) - matrix.Row(4)).AbsoluteMaximum(), 0, 1e-10);
    }

    [Fact]
    public void Constructor_ConstantColumn_GetsWeightZero()
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets["constant"]());

        Assert.Equal((4, 1), (decorrelation.DirectionCount, decorrelation.DroppedCount));
        Assert.All(MatrixOf(decorrelation, covariance.RowCount).Row(4), element => Assert.Equal(0, element));
    }

    [Theory]
    [InlineData("fewer rows than columns", 19)]        // the rows are centred
    [InlineData("sum of two others", 4)]
    [InlineData("nothing varies", 0)]
    public void Constructor_ColumnsThatDependOnOthers_DropsWhatDoesNotVary(string set, int directions)
    {
        Examples rows = set switch
        {
            "fewer rows than columns" => _sets[set](),
            "sum of two others" => With(Some.Linear(1, 300, 4), row => row[0] + row[2]),
            _ => new Examples([.. Enumerable.Repeat(new float[] { 1, 2, 3 }, 20)], Some.Normals(1, 20)),
        };

        (Matrix<double> covariance, Decorrelation decorrelation) = Make(rows);

        Assert.Equal(directions, decorrelation.DirectionCount);
        Assert.Equal(covariance.RowCount - directions, decorrelation.DroppedCount);
        Assert.True(double.IsFinite(decorrelation.ConditionNumber) && decorrelation.ConditionNumber >= 1);
        var weights = new float[] { 1, -2, 3, 4, 5 }[..Math.Min(5, covariance.RowCount)].Concat(new float[Math.Max(0, covariance.RowCount - 5)]).ToArray();
        decorrelation.ToCoordinates(weights);
        Assert.Equal(directions, weights.Count(u => u != 0));
        Assert.All(weights, u => Assert.True(float.IsFinite(u)));
    }

    [Fact]
    public void Constructor_L2_IsAddedToEachVarianceInTheScale()
    {
        const double L2 = 0.5;
        (Matrix<double> covariance, Decorrelation plain) = Make(_sets["correlated"]());
        (_, Decorrelation ridge) = Make(_sets["correlated"](), L2);
        (Matrix<double> without, Matrix<double> with) = (MatrixOf(plain, covariance.RowCount), MatrixOf(ridge, covariance.RowCount));

        for (int k = 0; k < covariance.RowCount; k++)
        {
            // A column of M is an eigenvector of length 1 / √(variance + λ).
            double variance = 1 / without.Column(k).DotProduct(without.Column(k));
            Assert.Equal(1 / Math.Sqrt(variance + L2), with.Column(k).L2Norm(), 1e-10);
        }
        Assert.Equal(plain.ConditionNumber, ridge.ConditionNumber);        // of the columns, whatever the penalty
    }

    [Fact]
    public void ConditionNumber_OfTwoColumns_IsThatOfTheirCorrelation()
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(Mixed(Some.Linear(1, 500, 2), 20));
        double correlation = covariance[0, 1];        // of columns with variance 1, up to float

        Assert.Equal(Math.Sqrt((1 + correlation) / (1 - correlation)), decorrelation.ConditionNumber, 1e-3 * decorrelation.ConditionNumber);
        Assert.InRange(correlation, 0.99, 1);
    }

    [Fact]
    public void InverseDiagonal_OfFullRank_IsThatOfTheInverseCovariance()
    {
        (Matrix<double> covariance, Decorrelation decorrelation) = Make(_sets["correlated"](), l2: 0.1);        // the penalty is no part of it

        Vector<double> expected = covariance.Inverse().Diagonal();

        Assert.All(expected.Zip(decorrelation.InverseDiagonal()), pair => Assert.Equal(pair.First, pair.Second, 1e-8 * pair.First));
        Assert.True(decorrelation.IsOfAllRows);
    }

    [Fact]
    public void Decorrelation_OfManyColumnsWithAToken_EndsWithItOrIsTheSame()
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 400, 130), new() { Decorrelate = false });
        Covariance covariance = Covariance.Compute(read.Training, CancellationToken.None);
        using var running = new CancellationTokenSource();
        var cancelled = new CancellationToken(canceled: true);

        OperationCanceledException thrown = Assert.ThrowsAny<OperationCanceledException>(() => new Decorrelation(covariance, 0.1, cancelled));

        Assert.Equal(cancelled, thrown.CancellationToken);
        Assert.Equal(new Decorrelation(covariance, 0.1).InverseDiagonal(), new Decorrelation(covariance, 0.1, running.Token).InverseDiagonal());
    }

    private static (Matrix<double> Covariance, Decorrelation Decorrelation) Make(Examples rows, double l2 = 0)
    {
        using TrainingRows read = Stored.Read(rows, new());
        Covariance covariance = Covariance.Compute(read.Training, CancellationToken.None);
        return (Matrix<double>.Build.Dense(rows.Width, rows.Width, covariance.ToArray()), new Decorrelation(covariance, l2));
    }

    /// <summary>M, from the weights of unit vectors.</summary>
    private static Matrix<double> MatrixOf(Decorrelation decorrelation, int columns) =>
        Matrix<double>.Build.DenseOfColumnArrays(Enumerable.Range(0, columns).Select(k =>
        {
            var unit = new double[columns];
            unit[k] = 1;
            decorrelation.ToWeights(unit);
            return unit;
        }));

    /// <summary>The columns of M that are not 0.</summary>
    private static Matrix<double> Kept(Decorrelation decorrelation, int columns) =>
        Matrix<double>.Build.DenseOfColumnVectors(MatrixOf(decorrelation, columns).EnumerateColumns().Where(column => column.L2Norm() > 0));

    /// <summary>Each column after the first takes the one before it, so many times as large, into itself.</summary>
    private static Examples Mixed(Examples rows, float share)
    {
        foreach (float[] row in rows.Features)
        {
            for (int i = 1; i < row.Length; i++)
                row[i] += share * row[i - 1] / (1 + (i > 1 ? share : 0));
        }
        return rows;
    }

    private static Examples With(Examples rows, Func<float[], float> column) =>
        new([.. rows.Features.Select(row => row.Append(column(row)).ToArray())], rows.Labels);

    private static float[] Padded(float[] values) => [.. values, .. new float[RowLayout.WholeVectors(values.Length) - values.Length]];

    private static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);
}
