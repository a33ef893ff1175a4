using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Rows;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class LeadingWhiteningTests
{
    private const int Columns = 30;

    [Fact]
    public void Multiply_AnyCoordinates_ScalesTheLeadingDirectionsAlone()
    {
        (LeadingDirections leading, Whitening whitening, _) = Make(Some.WithFactors(1, 900, Columns, [0.5, 0.3]));
        Matrix<double> expected = Matrix<double>.Build.DenseIdentity(Columns);
        for (int k = 0; k < leading.Vectors.Count; k++)
        {
            Vector<double> v = Vector<double>.Build.Dense(Columns, i => leading.Vectors[k][i]);
            expected += (1 / Math.Sqrt(leading.Variances[k]) - 1) * v.OuterProduct(v);
        }
        float[] coordinates = Padded(Some.Normals(2, Columns));
        float[] weights = new float[coordinates.Length];

        whitening.Multiply(coordinates, weights);
        double[] inDouble = whitening.ToWeights(Array.ConvertAll(coordinates[..Columns], u => (double)u));

        Vector<double> product = expected * Vector<double>.Build.Dense(Columns, i => coordinates[i]);
        float[] exact = [.. product.Select(w => (float)w)];
        Assert.Equal(2, whitening.DirectionCount);
        Models.AssertClose(exact, weights[..Columns], 1e-6);
        Models.AssertClose(exact, Array.ConvertAll(inDouble, w => (float)w), 1e-6);
        Models.AssertClose(coordinates[..Columns], whitening.ToCoordinates(weights.AsSpan(0, Columns)), 1e-5);        // and back
    }

    [Fact]
    public void RowNorm_OfRows_IsTheirMeanSquaredLengthInTheCoordinates()
    {
        (_, Whitening whitening, float[][] rows) = Make(Some.WithFactors(1, 900, Columns, [0.5, 0.3]));

        double squares = rows.Average(row =>
        {
            // w·x = (M·u)·x = u·(M·x)
            float[] inCoordinates = new float[RowLayout.WholeVectors(Columns + 2)];
            whitening.Multiply(Padded(row), inCoordinates);
            return inCoordinates[..Columns].Sum(x => (double)x * x);
        });

        Assert.Equal(squares, whitening.RowNorm(Columns), 1e-3 * squares);
        Assert.InRange(squares, 2, 0.5 * Columns);        // a fifth of the variance is left, and one for each factor
    }

    [Theory]
    [InlineData("itself", true)]
    [InlineData("other rows of the kind", true)]
    [InlineData("one factor more", false)]
    [InlineData("other loadings", false)]
    [InlineData("no factor", false)]
    public void Fits_OtherRows_WhereTheSameDirectionsStandOut(string others, bool expected)
    {
        const double Share = 0.6;
        Examples all = Some.WithFactors(1, 1800, Columns, [Share]);
        (_, Whitening whitening, _) = Make(all.Take(Enumerable.Range(0, 900)));
        Examples other = others switch
        {
            "itself" => all.Take(Enumerable.Range(0, 900)),
            "other rows of the kind" => all.Take(Enumerable.Range(900, 900)),
            "one factor more" => Some.WithFactors(1, 900, Columns, [Share, 0.35]),
            "other loadings" => Some.WithFactors(2, 900, Columns, [Share]),
            _ => Some.Linear(1, 900, Columns),
        };
        using TrainingRows read = Stored.Read(other, new());

        Assert.Equal(expected, whitening.Fits(covariance: null, LeadingDirections.Find(read.Training, CancellationToken.None)));
    }

    private static (LeadingDirections Leading, Whitening Whitening, float[][] Examples) Make(Examples rows)
    {
        using TrainingRows read = Stored.Read(rows, new());
        LeadingDirections leading = LeadingDirections.Find(read.Training, CancellationToken.None)!;
        float[][] stored = [.. Enumerable.Range(0, rows.Count).Select(row => Stored.Row(read.Training.Shards[0], row).Features)];
        return (leading, new Whitening(leading), stored);
    }

    private static float[] Padded(float[] values) => [.. values, .. new float[RowLayout.WholeVectors(Columns + 2) - values.Length]];
}
