using MlNetRms.Examples;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Examples;

public sealed class StandardizerTests
{
    [Fact]
    public void StandardizeRow_DenseColumns_GetMeanZeroAndDeviationOne()
    {
        Rows rows = Some.Linear(1, 500, [1, 1e-6, 1e6, 1, 3], means: [0, 0, 0, 1e4, -7], weighted: true);
        Standardizer standardizer = Make(rows);
        double[] weights = rows.Weights!.Select(weight => (double)weight).ToArray();

        float[][] standardized = rows.Features.Select(row =>
        {
            var result = new float[row.Length];
            standardizer.StandardizeRow(row, result);
            return result;
        }).ToArray();

        for (int i = 0; i < rows.Width; i++)
        {
            (double mean, double deviation) = LeastSquares.Moments(standardized.Select(row => (double)row[i]), weights);
            Assert.Equal(0, mean, 1e-6);        // each value is rounded to float once
            Assert.Equal(1, deviation, 1e-6);
        }
    }

    [Fact]
    public void StandardizeValue_SparseColumn_KeepsItsZerosAndScalesTheOthersByTheirRootMeanSquare()
    {
        var features = Enumerable.Range(0, 100).Select(row => new float[] { row < 9 ? 3 + row % 2 : 0 }).ToArray();
        Standardizer standardizer = Make(new Rows(features, Some.Normals(1, 100)));
        double rootMeanSquare = Math.Sqrt((5 * 9 + 4 * 16) / 9.0);

        Assert.True(standardizer.IsSparse[0]);
        Assert.Equal(0, standardizer.StandardizeValue(0, 0));
        Assert.Equal(3 / rootMeanSquare, standardizer.StandardizeValue(0, 3), 1e-6);
    }

    [Theory]
    [InlineData(9, true)]
    [InlineData(10, false)]
    public void IsSparse_ShareOfNonZeros_TurnsAtATenth(int nonZeros, bool expected)
    {
        var features = Enumerable.Range(0, 100).Select(row => new float[] { row < nonZeros ? 1 : 0 }).ToArray();

        Assert.Equal(expected, Make(new Rows(features, Some.Normals(1, 100))).IsSparse[0]);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.1f)]
    [InlineData(-1e30f)]
    public void StandardizeValue_ConstantColumn_IsZero(float value)
    {
        var features = Enumerable.Range(0, 100).Select(_ => new float[] { value }).ToArray();
        Standardizer standardizer = Make(new Rows(features, Some.Normals(1, 100)));

        Assert.Equal(1, standardizer.ConstantColumnCount);
        Assert.Equal(0, standardizer.StandardizeValue(0, value));
        Assert.Equal(0, standardizer.StandardizeValue(0, value + 1));
    }

    [Fact]
    public void FoldBack_AnyWeights_PredictsInRawUnitsWhatTheyPredictInStandardisedOnes()
    {
        Rows rows = Some.Linear(1, 500, [1, 1e-3, 1e3], means: [2, 0, 50], labelOffset: 100, labelScale: 10);
        Standardizer standardizer = Make(rows);
        double[] weights = [0.5, -2, 0.25];

        (float[] raw, float bias) = standardizer.FoldBack(weights, bias: 0);

        foreach (float[] row in rows.Features)
        {
            double standardized = row.Select((x, i) => weights[i] * standardizer.StandardizeValue(i, x)).Sum();
            double expected = standardizer.LabelCenter + standardizer.LabelStandardDeviation * standardized;
            Assert.Equal(expected, bias + row.Zip(raw, (x, w) => (double)x * w).Sum(), 1e-3);        // floats of a size around 100
        }
    }

    [Fact]
    public void FoldBack_NotStandardized_ReturnsWeightsAndBiasAsTheyAre()
    {
        Standardizer standardizer = Make(Some.Linear(1, 50, [1, 1000], means: [5, 5]), standardize: false);

        (float[] weights, float bias) = standardizer.FoldBack([0.5, -2], 7);

        Assert.Equal([0.5f, -2f], weights);
        Assert.Equal(7, bias);
        Assert.Equal(123.5f, standardizer.StandardizeValue(1, 123.5f));
        Assert.Equal(123.5f, standardizer.StandardizeLabel(123.5f));
    }

    [Fact]
    public void LossInLabelUnits_LossOfOneHalf_IsHalfTheLabelsVariance()
    {
        Rows rows = Some.Linear(1, 500, 2);
        (_, double deviation) = LeastSquares.Moments(rows.Labels.Select(label => (double)label), Enumerable.Repeat(1.0, rows.Count).ToArray());

        Assert.Equal(0.5 * deviation * deviation, Make(rows).LossInLabelUnits(0.5), 1e-9);
    }

    [Fact]
    public void StandardizeLabel_ConstantLabel_IsZero()
    {
        Standardizer standardizer = Make(new Rows(Some.Linear(1, 20, 2).Features, Enumerable.Repeat(0.1f, 20).ToArray()));

        Assert.Equal(0, standardizer.StandardizeLabel(0.1f));
        Assert.Equal(1, standardizer.LabelStandardDeviation);
    }

    private static Standardizer Make(Rows rows, bool standardize = true)
    {
        var columns = new ColumnMoments(rows.Width);
        Moments label = default;
        for (int row = 0; row < rows.Count; row++)
        {
            columns.AddDense(rows.Features[row], rows.Weight(row));
            label.Add(rows.Labels[row], rows.Weight(row));
        }
        return new Standardizer(columns, label, rows.Width, standardize);
    }
}
