using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using Microsoft.ML.Data;
using MlNetRms.Benchmarks;
using MlNetRms.Benchmarks.Accuracy;
using MlNetRms.Benchmarks.Accuracy.Families;
using MlNetRms.Benchmarks.Accuracy.Oracles;

namespace MlNetRms.Tests.Accuracy;

/// <summary>The oracle of the families, compared with Math.NET's QR factorisation and with minima that are known.</summary>
public sealed class LeastSquaresMinimumTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1e3)]
    [InlineData(1e7)]
    public void RmseOf_DenseColumnsOfACondition_IsThatOfQr(double condition)
    {
        const int Columns = 30;
        var random = new NormalSource(5);
        Matrix<double> basis = Matrix<double>.Build.Dense(Columns, Columns, random.Normals(Columns * Columns)).QR().Q;
        double[] sizes = [.. Enumerable.Range(0, Columns).Select(k => Math.Pow(condition, -k / (Columns - 1.0)))];
        ExampleSet rows = Family.Make(1000, Columns, (_, features) =>
        {
            double[] z = random.Normals(Columns);
            (basis * Vector<double>.Build.Dense(Columns, k => sizes[k] * z[k])).AsArray().CopyTo(features, 0);
            return z.Sum() + random.Next();
        });

        AssertIsThatOfQr(rows);
    }

    [Fact]
    public void RmseOf_WeightedRowsFarFromZero_IsThatOfQr()
    {
        var random = new NormalSource(6);
        AssertIsThatOfQr(Family.Make(2000, 8, (_, features) =>
        {
            for (int i = 0; i < features.Length; i++)
                features[i] = 1000 + random.Next() + (i == 0 ? 0 : features[i - 1] - 1000);
            return features.Sum() + random.Next();
        }, () => Math.Exp(3 * random.Next())));
    }

    [Fact]
    public void RmseOf_SparseColumnsAndTheirSums_IsThatOfQr()
    {
        ExampleSet rows = GroupFamilies.Sums(2000, 2, 40, seed: 7);
        Assert.Contains(Enumerable.Range(0, rows.Count), row => !rows.Features(row).IsDense);

        AssertIsThatOfQr(rows);
    }

    [Fact]
    public void RmseOf_PolynomialInFloats_IsThatOfQr() => AssertIsThatOfQr(PolynomialFamilies.Powers(1000, 5, low: 100, seed: 8));

    [Theory]
    [InlineData(5)]
    [InlineData(39)]
    [InlineData(45)]
    [InlineData(54)]
    public void RmseOf_RandomTable_IsThatOfQr(ulong seed) => AssertIsThatOfQr(new RandomTable(seed, mostRows: 1000).Examples);

    [Fact]
    public void RmseOf_EveryLevelOfACategory_IsTheDeviationWithinLevels()
    {
        const int Levels = 50;
        var random = new NormalSource(9);
        int[] levels = [.. Enumerable.Range(0, 3000).Select(_ => random.Below(Levels))];
        ExampleSet rows = Family.Make(levels.Length, Levels, (row, features) =>
        {
            features[levels[row]] = 1;
            return levels[row] + random.Next();
        });
        float[] labels = rows.Labels.ToArray();
        double[] means =
            [.. Enumerable.Range(0, Levels).Select(level => labels.Where((_, row) => levels[row] == level).Average(label => (double)label))];
        double within = Math.Sqrt(labels.Select((label, row) => Math.Pow(label - means[levels[row]], 2)).Average());

        Assert.Equal(1, LeastSquaresMinimum.RmseOf(rows) / within, 1e-9);
    }

    [Fact]
    public void RmseOf_DuplicateAndConstantColumns_IsThatWithoutThem()
    {
        var random = new NormalSource(10);
        double[][] columns = [.. Enumerable.Range(0, 3).Select(_ => random.Normals(500))];
        double[] labels = random.Normals(500);
        double Minimum(int count, Func<int, double[]> features) => LeastSquaresMinimum.RmseOf(Family.Make(500, count, (row, target) =>
        {
            features(row).CopyTo(target, 0);
            return labels[row] + columns[0][row];
        }));

        double single = Minimum(3, row => [columns[0][row], columns[1][row], columns[2][row]]);
        double doubled = Minimum(6, row => [columns[0][row], columns[1][row], columns[2][row], columns[1][row], 7, 2 * columns[0][row]]);

        Assert.Equal(1, doubled / single, 1e-9);
    }

    /// <summary>
    /// Householder's QR of the weighted rows, centred and scaled, which squares no condition number; directions in which the columns do not vary
    /// are those of tiny singular values of R.
    /// </summary>
    private static void AssertIsThatOfQr(ExampleSet rows)
    {
        const double Negligible = 1e-11;
        double total = rows.TotalWeight;
        Vector<double> roots = Vector<double>.Build.Dense(rows.Count, row => Math.Sqrt(rows.Weight(row) / total));
        Matrix<double> x = Matrix<double>.Build.Dense(rows.Count, rows.FeatureCount + 1, 1);
        for (int row = 0; row < rows.Count; row++)
            x.SetRow(row, [.. rows.Features(row).DenseValues().Select(value => (double)value), 1]);
        for (int i = 0; i < rows.FeatureCount; i++)
        {
            Vector<double> column = x.Column(i);
            double mean = column.PointwiseMultiply(roots).DotProduct(roots);
            column -= mean;
            double deviation = column.PointwiseMultiply(roots).L2Norm();
            x.SetColumn(i, deviation > 0 ? column / deviation : column);        // a level may be in no row
        }
        x = Matrix<double>.Build.DenseOfDiagonalVector(roots) * x;
        Vector<double> y = Vector<double>.Build.Dense(rows.Count, row => rows.Labels[row]).PointwiseMultiply(roots);
        QR<double> qr = x.QR(QRMethod.Thin);
        Svd<double> svd = qr.R.Svd();
        int rank = svd.S.Count(size => size > Negligible * svd.S[0]);
        Matrix<double> directions = qr.Q * svd.U.SubMatrix(0, svd.U.RowCount, 0, rank);
        double expected = (y - directions * directions.TransposeThisAndMultiply(y)).L2Norm();

        Assert.Equal(1, LeastSquaresMinimum.RmseOf(rows) / expected, 1e-8);
    }
}
