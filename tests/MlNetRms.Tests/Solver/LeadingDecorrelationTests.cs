using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

public sealed class LeadingDecorrelationTests
{
    private const int Columns = 30;

    [Fact]
    public void ToWeights_AnyCoordinates_ScalesTheLeadingDirectionsAlone()
    {
        (LeadingDirections leading, LeadingDecorrelation decorrelation, _) = Make(Some.WithFactors(1, 900, Columns, [0.5, 0.3]));
        Matrix<double> expected = Matrix<double>.Build.DenseIdentity(Columns);
        for (int k = 0; k < leading.Vectors.Count; k++)
        {
            Vector<double> v = Vector<double>.Build.Dense(Columns, i => leading.Vectors[k][i]);
            expected += (1 / Math.Sqrt(leading.Variances[k]) - 1) * v.OuterProduct(v);
        }
        float[] coordinates = Padded(Some.Normals(2, Columns), leading);
        float[] weights = new float[coordinates.Length];
        float[] gradient = new float[coordinates.Length];
        double[] inDouble = Array.ConvertAll(coordinates[..Columns], u => (double)u);

        decorrelation.ToWeights(coordinates, weights);
        decorrelation.ToCoordinateGradient(coordinates, gradient);
        decorrelation.ToWeights(inDouble);

        Vector<double> product = expected * Vector<double>.Build.Dense(Columns, i => coordinates[i]);
        float[] exact = [.. product.Select(w => (float)w)];
        Assert.Equal(2, decorrelation.DirectionCount);
        Models.AssertClose(exact, weights[..Columns], 1e-6);
        Models.AssertClose(exact, gradient[..Columns], 1e-6);        // the matrix is symmetric
        Models.AssertClose(exact, Array.ConvertAll(inDouble, w => (float)w), 1e-6);
        decorrelation.ToCoordinates(weights.AsSpan(0, Columns));
        Models.AssertClose(coordinates[..Columns], weights[..Columns], 1e-5);        // and back
    }

    [Fact]
    public void Energy_OfRows_IsTheirMeanSquaredLengthInTheCoordinates()
    {
        (LeadingDirections leading, LeadingDecorrelation decorrelation, float[][] rows) = Make(Some.WithFactors(1, 900, Columns, [0.5, 0.3]));

        double squares = rows.Average(row =>
        {
            // w·x = (M·u)·x = u·(Mᵀ·x)
            float[] inCoordinates = new float[leading.Vectors[0].Length];
            decorrelation.ToCoordinateGradient(Padded(row, leading), inCoordinates);
            return inCoordinates[..Columns].Sum(x => (double)x * x);
        });

        Assert.Equal(squares, decorrelation.Energy(Columns), 1e-3 * squares);
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
        (_, LeadingDecorrelation decorrelation, _) = Make(all.Take(Enumerable.Range(0, 900)));
        Examples other = others switch
        {
            "itself" => all.Take(Enumerable.Range(0, 900)),
            "other rows of the kind" => all.Take(Enumerable.Range(900, 900)),
            "one factor more" => Some.WithFactors(1, 900, Columns, [Share, 0.35]),
            "other loadings" => Some.WithFactors(2, 900, Columns, [Share]),
            _ => Some.Linear(1, 900, Columns),
        };
        using TrainingRows read = Stored.Read(other, new());

        Assert.Equal(expected, decorrelation.Fits(LeadingDirections.Of(read.Training, CancellationToken.None)));
    }

    private static (LeadingDirections Leading, LeadingDecorrelation Decorrelation, float[][] Examples) Make(Examples rows)
    {
        using TrainingRows read = Stored.Read(rows, new());
        LeadingDirections leading = LeadingDirections.Of(read.Training, CancellationToken.None)!;
        float[][] stored = [.. Enumerable.Range(0, rows.Count).Select(row => Stored.Row(read.Training.Shards[0], row).Features)];
        return (leading, new LeadingDecorrelation(leading), stored);
    }

    private static float[] Padded(float[] values, LeadingDirections leading) => [.. values, .. new float[leading.Vectors[0].Length - values.Length]];
}
