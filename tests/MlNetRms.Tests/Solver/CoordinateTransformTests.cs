using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

/// <summary>Coordinates of dense columns or of all, with the bias as if the columns were centred.</summary>
public sealed class CoordinateTransformTests
{
    /// <summary>Whether there are sparse columns, whether they are whitened too, and whether with the Cholesky factor.</summary>
    public static TheoryData<bool, bool, bool> Cases => new()
    {
        { false, true, true }, { false, true, false }, { true, true, true }, { true, true, false }, { true, false, true }, { true, false, false },
    };

    [Theory, MemberData(nameof(Cases))]
    public void ToCoordinates_OfParameters_IsWhatTheyWereMadeFromAndHasTheirPredictions(bool hasSparse, bool all, bool isCholesky)
    {
        using TrainingRows rows = Read(hasSparse);
        CoordinateTransform whitened = Make(rows, all, isCholesky);
        double[] parameters = SomeVector(rows.Layout, 1);

        double[] coordinates = whitened.ToCoordinates(parameters);
        double[] again = whitened.ToParameters(coordinates);

        Assert.Equal((all, hasSparse && all), (whitened.AreAllWhitened, whitened.ChangesSparse));
        for (long row = 0; row < rows.Training.RowCount; row += 7)
        {
            double[] values = Row(rows, row);
            Assert.Equal(Dot(values, parameters), Dot(values, again), 1e-4);
            // A row in the coordinates is what the gradient of its prediction is.
            Assert.Equal(Dot(values, parameters), Dot(whitened.ToGradient(values), coordinates), 1e-4);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void ToGradient_OfAnyVectors_IsTheTranspose(bool hasSparse, bool all, bool isCholesky)
    {
        using TrainingRows rows = Read(hasSparse);
        CoordinateTransform whitened = Make(rows, all, isCholesky);
        double[] gradient = SomeVector(rows.Layout, 2);
        double[] coordinates = SomeVector(rows.Layout, 3);

        double expected = Dot(gradient, whitened.ToParameters(coordinates));

        Assert.Equal(expected, Dot(whitened.ToGradient(gradient), coordinates), 1e-5 * Math.Sqrt(Dot(gradient, gradient) * rows.Layout.Length));
    }

    [Theory, MemberData(nameof(Cases))]
    public void InFloat_AnyVector_IsAsInDouble(bool hasSparse, bool all, bool isCholesky)
    {
        using TrainingRows rows = Read(hasSparse);
        CoordinateTransform whitened = Make(rows, all, isCholesky);
        double[] vector = SomeVector(rows.Layout, 4);
        float[] inFloat = Array.ConvertAll(vector, value => (float)value);
        var parameters = new float[vector.Length];
        var gradient = new float[vector.Length];

        whitened.ToParameters(inFloat, parameters);
        whitened.ToGradient(inFloat, gradient);

        Models.AssertClose(Array.ConvertAll(whitened.ToParameters(vector), value => (float)value), parameters, 1e-5);
        Models.AssertClose(Array.ConvertAll(whitened.ToGradient(vector), value => (float)value), gradient, 1e-5);
    }

    /// <summary>In the coordinates the whitened columns have mean 0, variance 1 and no correlation.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public void ToGradient_OfTheRows_HasMeanZeroAndVarianceOne(bool hasSparse, bool isCholesky)
    {
        using TrainingRows rows = Read(hasSparse);
        CoordinateTransform whitened = Make(rows, all: true, isCholesky);
        int[] positions = [.. Enumerable.Range(0, rows.Layout.ColumnCount).Select(rows.Layout.Position)];
        var mean = new double[positions.Length];
        var products = new double[positions.Length, positions.Length];
        for (long row = 0; row < rows.Training.RowCount; row++)
        {
            double[] values = whitened.ToGradient(Row(rows, row));
            Assert.Equal(1, values[rows.Layout.BiasLane]);
            for (int i = 0; i < positions.Length; i++)
            {
                mean[i] += values[positions[i]] / rows.Training.RowCount;
                for (int j = 0; j <= i; j++)
                    products[i, j] += values[positions[i]] * values[positions[j]] / rows.Training.RowCount;
            }
        }

        Assert.All(mean, value => Assert.Equal(0, value, 1e-4));
        for (int i = 0; i < positions.Length; i++)
        {
            for (int j = 0; j <= i; j++)
                Assert.Equal(i == j ? 1 : 0, products[i, j], 1e-3);
        }
        Assert.Equal(positions.Length, whitened.RowNorm(denseNorm: 7, sparseNorm: hasSparse ? 99 : 0), 1e-9);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Exchange_Coordinates_ReadsWhatItWroteAndFitsAnotherLayout(bool hasSparse, bool all, bool isCholesky)
    {
        using TrainingRows rows = Read(hasSparse);
        CoordinateTransform whitened = Make(rows, all, isCholesky);
        double[] vector = SomeVector(rows.Layout, 5);
        using var stream = new MemoryStream();
        CoordinateTransform.Exchange(Archive.ToWrite(stream), whitened, rows.Layout);
        stream.Position = 0;

        CoordinateTransform read = CoordinateTransform.Exchange(Archive.ToRead(stream, stream.Length), written: null, rows.Layout);

        Assert.Equal(stream.Length, stream.Position);
        Assert.Equal(whitened.Means, read.Means);
        Assert.Equal(whitened.ToParameters(vector), read.ToParameters(vector));
        Assert.Equal(whitened.ToGradient(vector), read.ToGradient(vector));
        Assert.Equal(whitened.ToCoordinates(vector), read.With(rows.Layout).ToCoordinates(vector));
    }

    private static TrainingRows Read(bool hasSparse)
    {
        Examples rows = hasSparse ? Some.SparseGroups(1, 900, 8, 10, own: 0.5) : Some.Linear(1, 300, 7);
        for (int row = 0; hasSparse && row < rows.Count; row++)
            rows.Features[row] = [.. rows.Features[row], row % 5, MathF.Sin(row)];
        return Stored.Read(rows, new());
    }

    private static CoordinateTransform Make(TrainingRows rows, bool all, bool isCholesky)
    {
        RowLayout layout = rows.Layout;
        var means = new double[layout.Length];
        for (int column = 0; column < layout.ColumnCount; column++)
            means[layout.Position(column)] = rows.Scaling.ScaledMean(column);
        means = [.. means[..layout.DenseCount], .. all ? means[layout.DenseLength..] : []];
        Covariance covariance = all ? Covariance.OfAll(rows.Training, means, seed: 1, CancellationToken.None)
            : Covariance.OfDense(rows.Training, CancellationToken.None);
        return new CoordinateTransform(layout, isCholesky ? new CholeskyWhitening(covariance, l2: 0) : new Whitening(covariance, l2: 0), means);
    }

    /// <summary>Numbers at the parameters, 0 elsewhere.</summary>
    private static double[] SomeVector(RowLayout layout, int seed)
    {
        var vector = new double[layout.Length];
        layout.Arrange<double>(Array.ConvertAll(Some.Normals(seed, layout.ColumnCount + 1), value => (double)value), vector);
        return vector;
    }

    private static double[] Row(TrainingRows rows, long row)
    {
        (float[] features, _, _) = Stored.Row(rows.Training.Shards[0], row);
        var vector = new double[rows.Layout.Length];
        rows.Layout.Arrange<double>([.. features.Select(value => (double)value), 1], vector);
        return vector;
    }

    private static double Dot(double[] left, double[] right) => left.Zip(right, (x, y) => x * y).Sum();
}
