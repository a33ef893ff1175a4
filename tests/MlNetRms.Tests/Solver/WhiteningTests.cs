using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Rows;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class WhiteningTests
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
        (Matrix<double> covariance, Whitening whitening) = Make(_sets[set]());
        Matrix<double> matrix = MatrixOf(whitening, covariance.RowCount);

        Matrix<double> whitened = matrix * covariance * matrix;

        Assert.Equal(covariance.RowCount - whitening.DirectionCount, whitening.DroppedCount);
        Assert.InRange((matrix - matrix.Transpose()).Enumerate().Max(Math.Abs), 0, 1e-10 * matrix.Enumerate().Max(Math.Abs));
        // The identity in the directions kept, 0 in the others: a projection.
        Assert.InRange((whitened * whitened - whitened).Enumerate().Max(Math.Abs), 0, 1e-8);
        Assert.Equal(whitening.DirectionCount, whitened.Trace(), 1e-7);
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(3)]
    public void Matrix_WithL2_WhitensTheCovariancePlusThePenalty(double l2)
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets["correlated"](), l2);
        int columns = covariance.RowCount;
        Matrix<double> matrix = MatrixOf(whitening, columns);
        Matrix<double> curvature = covariance + l2 * Matrix<double>.Build.DenseIdentity(columns);

        Matrix<double> whitened = matrix * curvature * matrix;

        Assert.InRange((whitened - Matrix<double>.Build.DenseIdentity(columns)).Enumerate().Max(Math.Abs), 0, 1e-8);
    }

    [Theory]
    [InlineData("independent")]
    [InlineData("weighted")]
    [InlineData("correlated")]
    [InlineData("nearly collinear")]
    public void ToCoordinates_OfWeights_IsWhatTheyWereMadeFromAndBack(string set)
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets[set]());
        int columns = covariance.RowCount;
        float[] coordinates = Some.Normals(1, columns);
        var weights = new float[columns];

        whitening.Multiply(Padded(coordinates), weights);
        float[] back = Floats(whitening.ToCoordinates(Doubles(weights)));
        float[] weightsAgain = new float[columns];
        whitening.Multiply(Padded(back), weightsAgain);

        // Rounded to float in between: the shortest direction magnifies that by the condition number.
        Models.AssertClose(coordinates, back, 1e-6 * whitening.ConditionNumber);
        Models.AssertClose(weights, weightsAgain, 1e-6);
        double[] inDouble = whitening.Multiply(Doubles(coordinates));
        Models.AssertClose(Floats(inDouble), weights, 1e-6);
    }

    [Theory, MemberData(nameof(Sets))]
    public void Multiply_AnyGradient_IsThatOfTheMatrix(string set)
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets[set]());
        int columns = covariance.RowCount;
        float[] gradient = Some.Normals(2, columns);
        var actual = new float[RowLayout.WholeVectors(columns)];

        whitening.Multiply(Padded(gradient), actual);

        Vector<double> expected = MatrixOf(whitening, columns) * Vector<double>.Build.Dense(columns, i => gradient[i]);
        Models.AssertClose(Floats([.. expected]), actual[..columns], 1e-6);
    }

    [Fact]
    public void Constructor_DuplicateColumns_GetEqualWeightsAndCountOnce()
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets["duplicates"]());
        Matrix<double> matrix = MatrixOf(whitening, covariance.RowCount);

        Assert.Equal((4, 1), (whitening.DirectionCount, whitening.DroppedCount));
        Assert.InRange((matrix.Row(1) - matrix.Row(4)).AbsoluteMaximum(), 0, 1e-10);
    }

    [Fact]
    public void Constructor_ConstantColumn_GetsWeightZero()
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets["constant"]());

        Assert.Equal((4, 1), (whitening.DirectionCount, whitening.DroppedCount));
        Assert.All(MatrixOf(whitening, covariance.RowCount).Row(4), element => Assert.Equal(0, element));
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

        (Matrix<double> covariance, Whitening whitening) = Make(rows);

        Assert.Equal(directions, whitening.DirectionCount);
        Assert.Equal(covariance.RowCount - directions, whitening.DroppedCount);
        Assert.True(double.IsFinite(whitening.ConditionNumber) && whitening.ConditionNumber >= 1);
        double[] weights = Doubles(Some.Normals(1, covariance.RowCount));
        Assert.All(whitening.ToCoordinates(weights), u => Assert.True(double.IsFinite(u)));
        Assert.Equal(directions, MatrixOf(whitening, covariance.RowCount).Rank());
    }

    [Theory]
    [InlineData(1e-5)]
    [InlineData(1e-6)]
    public void Constructor_ColumnsThatDifferByMoreThanRounding_KeepsTheirDifference(double difference)
    {
        (float[] a, float[] b) = (Some.Normals(1, 3000), Some.Normals(2, 3000));
        var rows = new Examples([.. a.Zip(b, (x, y) => new[] { x, (float)(x + difference * y) })], a);

        (_, Whitening whitening) = Make(rows);

        Assert.Equal((2, 0), (whitening.DirectionCount, whitening.DroppedCount));
        Assert.Equal(2 / difference, whitening.ConditionNumber, 0.05 / difference);        // √((1 + r) / (1 − r)), whose r is 1 − ½·difference²
    }

    public static TheoryData<string, int, int> Dependent => new()
    {
        { "copies", 1000, 1 },
        { "copies", 100_000, 0 },
        { "copies", 1000, 50 },
        { "levels", 200, 2 },
        { "levels", 5000, 20 },
        { "levels", 6000, 27 },
        { "levels", 300_000, 2 },
        { "sums of values far from 0", 1000, 10 },
        { "sums of values far from 0", 1000, 10_000 },
        { "means of a hundred values", 2000, 1000 },
    };

    [Theory, MemberData(nameof(Dependent))]
    public void Constructor_ColumnsThatDependOnOthersButForRounding_AreDropped(string form, int count, int size)
    {
        var random = new Random(count + size);
        (Func<float[]> row, int dropped) = form switch
        {
            "copies" => (Copies, 2 * (size + 1)),
            "levels" => (Levels, 2),
            "means of a hundred values" => (() => With(100, values => values.Sum() / values.Length), 1),
            _ => ((Func<float[]>)(() => With(3, values => values[0] + values[1])), 1),
        };
        var rows = new Examples([.. Enumerable.Range(0, count).Select(_ => row())], new float[count]);

        (Matrix<double> covariance, Whitening whitening) = Make(rows);

        Assert.Equal(dropped, whitening.DroppedCount);
        Assert.InRange(MatrixOf(whitening, covariance.RowCount).Enumerate().Max(Math.Abs), 0, form == "levels" ? 100 : 10);

        float Value(float center) => (float)(center + Some.Normal(random));

        float[] Copies()
        {
            float[] values = [.. Enumerable.Range(0, size + 1).Select(_ => Value(0))];
            return [.. values, .. values.Select(value => -value), .. values.Select(value => 4 * value)];
        }

        float[] Levels()        // of two categories
        {
            var levels = new float[2 * (size + 3)];
            levels[random.Next(random.Next(size + 3) + 1)] = 1;
            levels[size + 3 + random.Next(size + 3)] = 1;
            return levels;
        }

        float[] With(int values, Func<float[], float> column)
        {
            float[] all = [.. Enumerable.Range(0, values).Select(_ => Value(size))];
            return [.. all, column(all)];
        }
    }

    [Fact]
    public void Constructor_L2_IsAddedToEachVarianceInTheScale()
    {
        const double L2 = 0.5;
        (Matrix<double> covariance, Whitening plain) = Make(_sets["correlated"]());
        (_, Whitening ridge) = Make(_sets["correlated"](), L2);
        (Matrix<double> without, Matrix<double> with) = (MatrixOf(plain, covariance.RowCount), MatrixOf(ridge, covariance.RowCount));

        // M² is the inverse of the covariance, plus λ on its diagonal.
        Matrix<double> difference = (with * with).Inverse() - (without * without).Inverse();
        Assert.InRange((difference - L2 * Matrix<double>.Build.DenseIdentity(covariance.RowCount)).Enumerate().Max(Math.Abs), 0, 1e-8);
        Assert.Equal(plain.ConditionNumber, ridge.ConditionNumber);        // of the columns, whatever the penalty
    }

    [Fact]
    public void ConditionNumber_OfTwoColumns_IsThatOfTheirCorrelation()
    {
        (Matrix<double> covariance, Whitening whitening) = Make(Mixed(Some.Linear(1, 500, 2), 20));
        double correlation = covariance[0, 1];        // of columns with variance 1, up to float

        Assert.Equal(Math.Sqrt((1 + correlation) / (1 - correlation)), whitening.ConditionNumber, 1e-3 * whitening.ConditionNumber);
        Assert.InRange(correlation, 0.99, 1);
    }

    [Fact]
    public void InverseDiagonal_OfFullRank_IsThatOfTheInverseCovariance()
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets["correlated"](), l2: 0.1);        // the penalty does not change the covariance

        Vector<double> expected = covariance.Inverse().Diagonal();

        Assert.All(expected.Zip(whitening.InverseDiagonal()), pair => Assert.Equal(pair.First, pair.Second!.Value, 1e-8 * pair.First));
        double[] vector = [.. Some.Normals(3, covariance.RowCount).Select(x => (double)x)];
        Vector<double> v = Vector<double>.Build.Dense(vector);
        Assert.Equal(v * (covariance.Inverse() * v), whitening.InverseForm(vector)!.Value, 1e-8 * (v * (covariance.Inverse() * v)));
        Assert.All((covariance.Inverse() * v).Zip(whitening.Inverse(vector)), pair => Assert.Equal(pair.First, pair.Second, 1e-8 * expected.Max()));
        Assert.True(whitening.IsOfAllRows);
    }

    [Fact]
    public void InverseDiagonal_OfDuplicates_IsUnknownForThemAlone()
    {
        (Matrix<double> covariance, Whitening whitening) = Make(_sets["duplicates"]());

        Assert.Equal([false, true, false, false, true], whitening.InverseDiagonal().Select(value => value is null));
        Assert.Null(whitening.InverseForm([0, 1, 0, 0, 0]));
        double sum = whitening.InverseForm([0, 1, 0, 0, 1])!.Value;        // their weights' sum is known
        Vector<double> single = covariance.SubMatrix(0, 4, 0, 4).Inverse().Diagonal();
        Assert.Equal(single[1], sum, 1e-8 * sum);
    }

    [Fact]
    public void Constructor_ManyColumnsAndAToken_EndsWithItOrIsTheSame()
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 400, 130), new() { Decorrelate = false });
        Covariance covariance = Covariance.OfDense(read.Training, CancellationToken.None);
        using var running = new CancellationTokenSource();
        var cancelled = new CancellationToken(canceled: true);

        OperationCanceledException thrown = Assert.ThrowsAny<OperationCanceledException>(() => new Whitening(covariance, 0.1, cancelled));

        Assert.Equal(cancelled, thrown.CancellationToken);
        Assert.Equal(new Whitening(covariance, 0.1).InverseDiagonal(), new Whitening(covariance, 0.1, running.Token).InverseDiagonal());
    }

    private static (Matrix<double> Covariance, Whitening Whitening) Make(Examples rows, double l2 = 0)
    {
        using TrainingRows read = Stored.Read(rows, new());
        Covariance covariance = Covariance.OfDense(read.Training, CancellationToken.None);
        return (Matrix<double>.Build.Dense(rows.Width, rows.Width, covariance.ToArray()), new Whitening(covariance, l2));
    }

    /// <summary>M, from the weights of unit vectors.</summary>
    private static Matrix<double> MatrixOf(Whitening whitening, int columns) =>
        Matrix<double>.Build.DenseOfColumnArrays(Enumerable.Range(0, columns).Select(k =>
        {
            var unit = new double[columns];
            unit[k] = 1;
            return whitening.Multiply(unit);
        }));

    /// <summary>Adds to each column after the first the one before it, this many times as large.</summary>
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

    private static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);

    private static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);
}
