using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class CholeskyWhiteningTests
{
    private static readonly Dictionary<string, (Func<Examples> Rows, int Directions)> _sets = new()
    {
        ["independent"] = (() => Some.Linear(1, 300, 5), 5),
        ["one column"] = (() => Some.Linear(5, 50, 1), 1),
        ["pairs"] = (() => Some.Pairs(2, 500, 4, difference: 0.01), 8),
        ["more than a block"] = (() => Some.Linear(3, 500, 150), 150),
        ["duplicates"] = (() => With(Some.Linear(7, 300, 70), row => row[1]), 70),
        ["sum of others"] = (() => With(Some.Linear(7, 300, 4), row => row[0] + row[2]), 4),
        ["constant"] = (() => With(Some.Linear(8, 300, 4), _ => 7), 4),
        ["fewer rows than columns"] = (() => Some.Linear(6, 20, 30), 19),        // about the means
        ["nothing varies"] = (() => new Examples([.. Enumerable.Repeat(new float[] { 1, 2, 3 }, 20)], Some.Normals(1, 20)), 0),
    };

    public static TheoryData<string> Sets => [.. _sets.Keys];

    [Theory, MemberData(nameof(Sets))]
    public void Matrix_OfAnySet_WhitensTheColumnsThatAreKept(string set)
    {
        (Matrix<double> covariance, CholeskyWhitening whitening) = Make(set, l2: 0);
        int columns = covariance.RowCount;
        Matrix<double> matrix = MatrixOf(whitening);

        Matrix<double> whitened = matrix.TransposeThisAndMultiply(covariance) * matrix;

        int directions = _sets[set].Directions;
        Assert.Equal((columns, directions, columns - directions, true),
            (whitening.ColumnCount, whitening.DirectionCount, whitening.DroppedCount, whitening.IsOfAllRows));
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j < columns; j++)
                Assert.Equal(i == j && i < directions ? 1 : 0, whitened[i, j], set == "pairs" ? 2e-4 : 2e-5);        // the matrix is in float
        }
        Assert.Equal(directions, Enumerable.Range(0, columns).Count(column => matrix.Row(column).AbsoluteMaximum() > 0));
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(3)]
    public void Matrix_WithL2_WhitensTheCovariancePlusThePenalty(double l2)
    {
        (Matrix<double> covariance, CholeskyWhitening whitening) = Make("duplicates", l2);
        Matrix<double> identity = Matrix<double>.Build.DenseIdentity(covariance.RowCount);
        Matrix<double> matrix = MatrixOf(whitening);

        Matrix<double> whitened = matrix.TransposeThisAndMultiply(covariance + l2 * identity) * matrix;

        Assert.Equal(0, whitening.DroppedCount);
        Assert.InRange((whitened - identity).Enumerate().Max(Math.Abs), 0, 2e-5);
    }

    /// <summary>What the dropped columns tell is in the others: the variance of the difference of predictions is 0.</summary>
    [Theory, MemberData(nameof(Sets))]
    public void ToCoordinates_OfAnyWeights_HaveTheirPredictions(string set)
    {
        (Matrix<double> covariance, CholeskyWhitening whitening) = Make(set, l2: 0);
        double[] weights = Array.ConvertAll(Some.Normals(1, covariance.RowCount), w => (double)w);

        double[] again = whitening.Multiply(whitening.ToCoordinates(weights));

        Vector<double> difference = Vector<double>.Build.DenseOfEnumerable(weights.Zip(again, (w, a) => w - a));
        Vector<double> all = Vector<double>.Build.DenseOfArray(weights);
        Assert.InRange(difference * covariance * difference, -1e-9, 1e-9 * (1 + all * covariance * all));
    }

    [Theory, MemberData(nameof(Sets))]
    public void Multiply_InFloat_IsThatInDouble(string set)
    {
        (_, CholeskyWhitening whitening) = Make(set, l2: 0);
        int columns = whitening.ColumnCount;
        int padded = RowLayout.WholeVectors(columns);
        float[] vector = [.. Some.Normals(2, columns), .. new float[padded - columns]];
        var weights = new float[padded];
        var gradient = new float[padded];

        whitening.Multiply(vector, weights);
        whitening.MultiplyTransposed(vector, gradient);

        double[] inDouble = Array.ConvertAll(vector, value => (double)value)[..columns];
        Models.AssertClose(Floats(whitening.Multiply(inDouble)), weights[..columns], 1e-5);
        Models.AssertClose(Floats(whitening.MultiplyTransposed(inDouble)), gradient[..columns], 1e-5);
        Vector<double> expected = MatrixOf(whitening).TransposeThisAndMultiply(Vector<double>.Build.DenseOfArray(inDouble));
        Models.AssertClose(Floats([.. expected]), Floats(whitening.MultiplyTransposed(inDouble)), 1e-6);
    }

    [Theory, MemberData(nameof(Sets))]
    public void Exchange_Whitening_ReadsWhatItWroteToTheBit(string set)
    {
        (_, CholeskyWhitening whitening) = Make(set, l2: 0);
        int columns = whitening.ColumnCount;
        double[] vector = Array.ConvertAll(Some.Normals(3, columns), value => (double)value);
        using var stream = new MemoryStream();
        CholeskyWhitening.Exchange(Archive.ToWrite(stream), whitening, columns);
        stream.Position = 0;

        var read = CholeskyWhitening.Exchange(Archive.ToRead(stream, stream.Length), written: null, columns);

        Assert.Equal(stream.Length, stream.Position);
        Assert.Equal((whitening.DirectionCount, whitening.IsOfAllRows), (read.DirectionCount, read.IsOfAllRows));
        Assert.Equal(whitening.Multiply(vector), read.Multiply(vector));
        Assert.Equal(whitening.MultiplyTransposed(vector), read.MultiplyTransposed(vector));
        Assert.Equal(whitening.ToCoordinates(vector), read.ToCoordinates(vector));
        stream.Position = 0;
        Assert.ThrowsAny<Exception>(() => CholeskyWhitening.Exchange(Archive.ToRead(stream, stream.Length), written: null, columns + 1));
    }

    [Fact]
    public void Constructor_Cancelled_Throws()
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 300, 5), new());
        Covariance covariance = Covariance.OfDense(read.Training, CancellationToken.None);

        Assert.Throws<OperationCanceledException>(() => new CholeskyWhitening(covariance, 0, new CancellationToken(canceled: true)));
    }

    private static (Matrix<double> Covariance, CholeskyWhitening Whitening) Make(string set, double l2)
    {
        Examples rows = _sets[set].Rows();
        using TrainingRows read = Stored.Read(rows, new());
        Covariance covariance = Covariance.OfDense(read.Training, CancellationToken.None);
        return (Matrix<double>.Build.Dense(rows.Width, rows.Width, covariance.ToArray()), new CholeskyWhitening(covariance, l2));
    }

    /// <summary>M, from the weights of unit vectors.</summary>
    private static Matrix<double> MatrixOf(CholeskyWhitening whitening) =>
        Matrix<double>.Build.DenseOfColumnArrays(Enumerable.Range(0, whitening.ColumnCount).Select(k =>
        {
            var unit = new double[whitening.ColumnCount];
            unit[k] = 1;
            return whitening.Multiply(unit);
        }));

    private static Examples With(Examples rows, Func<float[], float> column) =>
        new([.. rows.Features.Select(row => row.Append(column(row)).ToArray())], rows.Labels);

    private static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);
}
