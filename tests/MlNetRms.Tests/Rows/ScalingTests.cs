using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class ScalingTests
{
    [Fact]
    public void CenterAndScale_DenseColumns_GiveThemMeanZeroAndDeviationOne()
    {
        Examples rows = Some.Linear(1, 500, [1, 1e-6, 1e6, 1, 3], means: [0, 0, 0, 1e4, -7], weighted: true);
        Scaling scaling = Make(rows);
        double[] weights = rows.Weights!.Select(weight => (double)weight).ToArray();

        float[][] standardized = rows.Features.Select(row => row.Select((x, i) => Standardize(scaling, i, x)).ToArray()).ToArray();

        for (int i = 0; i < rows.Width; i++)
        {
            (double mean, double deviation) = LeastSquares.Moments(standardized.Select(row => (double)row[i]), weights);
            Assert.Equal(0, mean, 1e-6);        // each value is rounded to float once
            Assert.Equal(1, deviation, 1e-6);
        }
    }

    [Theory]
    [InlineData(1, -50)]
    [InlineData(5, 50)]
    [InlineData(23, -50)]
    public void LargestValue_OutlierInAnyRow_IsItsDistanceFromTheMeanInDeviations(int columns, float outlier)
    {
        foreach (int row in new[] { 0, 1234, 2999 })
        {
            Examples rows = Some.Linear(1, 3000, columns, weighted: true);
            rows.Labels[5] = 1e6f;
            rows.Features[row][columns - 1] = outlier;

            Scaling scaling = Make(rows);

            Assert.Equal(Math.Abs((outlier - scaling.Center(columns - 1)) * scaling.Scale(columns - 1)), scaling.LargestValue, 1e-5);
        }
    }

    [Fact]
    public void LargestValue_SparseRows_IsNotKnown()
    {
        Examples rows = Some.Linear(1, 300, 3);
        rows.Features[200][1] = 0;
        using TrainingRows read = Stored.Read(rows, new(), out Scaling scaling, row => row == 200);

        Assert.Equal(double.PositiveInfinity, scaling.LargestValue);
    }

    [Fact]
    public void CenterAndScale_SparseColumn_KeepItsZerosAndScaleTheOthersByTheirRootMeanSquare()
    {
        var features = Enumerable.Range(0, 100).Select(row => new float[] { row < 9 ? 3 + row % 2 : 0 }).ToArray();
        Scaling scaling = Make(new Examples(features, Some.Normals(1, 100)));
        double rootMeanSquare = Math.Sqrt((5 * 9 + 4 * 16) / 9.0);

        Assert.True(scaling.IsSparse[0]);
        Assert.Equal(0, Standardize(scaling, 0, 0));
        Assert.Equal(3 / rootMeanSquare, Standardize(scaling, 0, 3), 1e-6);
    }

    [Fact]
    public void CenterAndScale_SparseColumnsOfAWideSet_AreScaledByTheRootOfTheirSizeAsFarAsItIsKnownWithinBounds()
    {
        const int Columns = 40;
        double[] sizes = [.. Enumerable.Range(0, Columns).Select(column => 0.05 + column)];
        float[][] features = [.. Enumerable.Range(0, 30)
            .Select(row => sizes.Select((size, column) => row % 15 == column % 15 ? (float)size : 0).ToArray())];
        double usual = Math.Sqrt(sizes.Average(size => size * size));

        Scaling scaling = Make(new Examples(features, Some.Normals(1, 30)));

        Assert.True(scaling.ScalesByRoot);
        for (int column = 0; column < Columns; column++)
        {
            Assert.True(scaling.IsSparse[column]);
            Assert.Equal(Factor(sizes[column]) / Known(sizes[column]), scaling.Scale(column), 1e-6 * scaling.Scale(column));
            Assert.Equal(1 / 15.0, scaling.NonZeroShare(column), 1e-12);
        }
        Assert.Equal(sizes.Sum(size => Math.Pow(size * Factor(size) / Known(size), 2)) / 15, scaling.RowNorm, 1e-6);
        Assert.Equal(scaling.RowNorm, scaling.SparseRowNorm);
        Assert.Contains(sizes, size => Factor(size) == 0.25);        // the bound is reached

        // Two values per column, and one of the usual size.
        double Known(double size) => Math.Exp((2 * Math.Log(size) + Math.Log(usual)) / 3);
        double Factor(double size) => Math.Clamp(Math.Sqrt(Known(size) / usual), 0.25, 4);
    }

    [Theory]
    [InlineData(30, 15, 0, 0)]
    [InlineData(30, 16, 0, 1 / 15.0)]
    [InlineData(30, 16, 1, 0)]        // a constant column does not count
    [InlineData(31, 16, 0, 1 / 31.0)]
    [InlineData(30, 30, 0, 1)]
    [InlineData(30, 90, 0, 1)]
    public void VaryingColumnCount_ColumnsAndRows_MakeTheSetAsWideAsItsVaryingColumns(int count, int columns, int constant, double expected)
    {
        Examples rows = Some.Linear(1, count, columns);
        foreach (float[] row in rows.Features)
            Array.Fill(row, 4, 0, constant);

        int varying = Make(rows).VaryingColumnCount;

        Assert.Equal(columns - constant, varying);
        Assert.Equal(expected, Decisions.Wideness(varying, count), 1e-12);
    }

    [Fact]
    public void RowNorm_DenseAndSparseColumns_IsTheMeanSquaredLengthOfAScaledRow()
    {
        Examples rows = Some.MostlyZero(1, 400, 3, 60, 2);
        rows = new Examples(rows.Features, rows.Labels, [.. Enumerable.Range(0, 400).Select(row => 0.5f + row % 3)]);
        Scaling scaling = Make(rows);
        double Length(Func<int, bool> counts) => Enumerable.Range(0, 400).Sum(row => rows.Weight(row) *
            rows.Features[row].Select((x, i) => counts(i) ? Math.Pow((x - scaling.Center(i)) * scaling.Scale(i), 2) : 0).Sum())
            / rows.Weights!.Sum(w => (double)w);

        Assert.Equal(Length(_ => true), scaling.RowNorm, 1e-6 * scaling.RowNorm);
        Assert.Equal(Length(column => column >= 3), scaling.SparseRowNorm, 1e-6 * scaling.SparseRowNorm);
        Assert.Equal(3, scaling.RowNorm - scaling.SparseRowNorm, 1e-6);        // variance 1 each
    }

    [Theory]
    [InlineData(9, true)]
    [InlineData(10, false)]
    public void IsSparse_ShareOfNonZeros_TurnsAtATenth(int nonZeros, bool expected)
    {
        var features = Enumerable.Range(0, 100).Select(row => new float[] { row < nonZeros ? 1 : 0 }).ToArray();

        Assert.Equal(expected, Make(new Examples(features, Some.Normals(1, 100))).IsSparse[0]);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.1f)]
    [InlineData(-1e30f)]
    public void CenterAndScale_ConstantColumn_MakeItZero(float value)
    {
        var features = Enumerable.Range(0, 100).Select(_ => new float[] { value }).ToArray();
        Scaling scaling = Make(new Examples(features, Some.Normals(1, 100)));

        Assert.Equal(1, scaling.ConstantColumnCount);
        Assert.Equal(0, Standardize(scaling, 0, value));
        Assert.Equal(0, Standardize(scaling, 0, value + 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ToRaw_AnyWeights_PredictsInRawUnitsWhatTheyPredictInStandardisedOnes(bool centerResiduals)
    {
        Examples rows = Some.Linear(1, 500, [1, 1e-3, 1e3], means: [2, 0, 50], labelOffset: 100, labelScale: 10);
        Scaling scaling = Make(rows);
        double[] weights = [0.5, -2, 0.25];

        (float[] raw, float bias) = scaling.ToRaw(weights, bias: 0, centerResiduals);

        foreach (float[] row in rows.Features)
        {
            double standardized = row.Select((x, i) => weights[i] * Standardize(scaling, i, x)).Sum();
            double expected = scaling.LabelCenter + scaling.LabelStandardDeviation * standardized;
            Assert.Equal(expected, bias + row.Zip(raw, (x, w) => (double)x * w).Sum(), 1e-3);        // floats of a size around 100
        }
    }

    [Fact]
    public void ToRaw_NotStandardized_ReturnsWeightsAndBiasAsTheyAre()
    {
        Scaling scaling = Make(Some.Linear(1, 50, [1, 1000], means: [5, 5]), standardize: false);

        (float[] weights, float bias) = scaling.ToRaw([0.5, -2], 7, centerResiduals: true);

        Assert.Equal([0.5f, -2f], weights);
        Assert.Equal(7, bias);
        Assert.Equal(123.5f, Standardize(scaling, 1, 123.5f));
        Assert.Equal((0, 1), (scaling.LabelCenter, scaling.LabelStandardDeviation));
    }

    [Fact]
    public void ToRaw_CenterResiduals_MakesTheMeanResidualZeroWhateverTheBias()
    {
        // A sparse column is not centred, so the trained bias and the one from the means differ.
        Examples rows = Some.MostlyZero(1, 400, 2, 60, 2);
        Scaling scaling = Make(rows);
        double[] weights = Some.Normals(2, rows.Width).Select(w => (double)w).ToArray();

        (float[] raw, float bias) = scaling.ToRaw(weights, bias: 5, centerResiduals: true);

        double meanResidual = Enumerable.Range(0, rows.Count)
            .Average(row => bias - rows.Labels[row] + rows.Features[row].Zip(raw, (x, w) => (double)x * w).Sum());
        Assert.Equal(0, meanResidual, 1e-5);        // the bias is rounded to float once
        Assert.NotEqual(bias, scaling.ToRaw(weights, bias: 5, centerResiduals: false).Bias, 1f);
    }

    [Fact]
    public void FromRaw_OfWhatToRawGave_IsWhatItWasGiven()
    {
        Examples rows = Some.MostlyZero(1, 400, 3, 60, 2);
        foreach (float[] row in rows.Features)
            row[1] = 7;        // a constant column
        Scaling scaling = Make(rows);
        float[] weights = Some.Normals(2, rows.Width);

        (float[] raw, float bias) = scaling.ToRaw(weights.Select(w => (double)w).ToArray(), bias: 0.75, centerResiduals: false);
        (float[] back, float backBias) = scaling.FromRaw(raw, bias);

        weights[1] = 0;
        Models.AssertClose(weights, back, 1e-6);        // two roundings to float
        Assert.Equal(0.75f, backBias, 1e-5f);
    }

    [Fact]
    public void LabelCenterAndDeviation_ConstantLabel_MakeItZero()
    {
        Scaling scaling = Make(new Examples(Some.Linear(1, 20, 2).Features, Enumerable.Repeat(0.1f, 20).ToArray()));

        Assert.Equal(0, (float)(0.1f - scaling.LabelCenter));
        Assert.Equal(1, scaling.LabelStandardDeviation);
    }

    [Fact]
    public void Constructor_PreviousScaling_KeepsItsUnitsAndTakesTheMeansOfTheNewRows()
    {
        Examples first = Some.Linear(1, 300, [1, 2], means: [3, 4], labelOffset: 5);
        Examples second = Some.Linear(2, 300, [10, 20], means: [30, 40], labelOffset: 50);
        (Scaling previous, Scaling alone) = (Make(first), Make(second));

        Scaling next = Make(second, previous: previous);

        Assert.False(next.HasNewUnits);
        Assert.Equal((previous.LabelCenter, previous.LabelStandardDeviation), (next.LabelCenter, next.LabelStandardDeviation));
        Assert.Equal((alone.LabelCenter - previous.LabelCenter) / previous.LabelStandardDeviation, next.ScaledLabelMean, 1e-12);
        Assert.Equal(0, alone.ScaledLabelMean);
        for (int column = 0; column < 2; column++)
        {
            Assert.Equal((previous.Center(column), previous.Scale(column)), (next.Center(column), next.Scale(column)));
            Assert.Equal(alone.StandardDeviations[column], next.StandardDeviations[column]);
            Assert.Equal((alone.Center(column) - previous.Center(column)) * previous.Scale(column), next.ScaledMean(column), 1e-12);
            Assert.Equal(0, alone.ScaledMean(column));
        }
    }

    [Fact]
    public void Constructor_PreviousColumnOrLabelConstant_TakesTheUnitOfTheNewRowsForIt()
    {
        Examples varied = Some.Linear(2, 300, [10, 20], means: [30, 40], labelOffset: 50);
        Examples constantColumn = Some.Linear(1, 300, [1, 2]);
        foreach (float[] row in constantColumn.Features)
            row[1] = 7;
        var constantLabel = new Examples(Some.Linear(1, 300, [1, 2]).Features, Enumerable.Repeat(4f, 300).ToArray());
        Scaling alone = Make(varied);

        Scaling afterColumn = Make(varied, previous: Make(constantColumn));
        Scaling afterLabel = Make(varied, previous: Make(constantLabel));

        Assert.True(afterColumn.HasNewUnits && afterLabel.HasNewUnits);
        Assert.Equal((alone.Center(1), alone.Scale(1)), (afterColumn.Center(1), afterColumn.Scale(1)));
        Assert.NotEqual(alone.Scale(0), afterColumn.Scale(0));
        Assert.Equal((alone.LabelCenter, alone.LabelStandardDeviation), (afterLabel.LabelCenter, afterLabel.LabelStandardDeviation));
        Assert.NotEqual(alone.Scale(0), afterLabel.Scale(0));
    }

    [Fact]
    public void Constructor_ConstantColumnAndLabelInBothTrainings_HaveNoNewUnits()
    {
        Examples constant = new([.. Enumerable.Repeat(new float[] { 1, 2 }, 20)], Enumerable.Repeat(4f, 20).ToArray());

        Scaling next = Make(constant, previous: Make(constant));

        Assert.False(next.HasNewUnits);
        Assert.Equal((0, 0), (next.Scale(0), next.Scale(1)));
    }

    [Fact]
    public void Scaling_Cancelled_Throws()
    {
        var cancelled = new CancellationToken(canceled: true);

        Assert.Equal(cancelled,
            Assert.Throws<OperationCanceledException>(() => Make(Some.Linear(1, 10, 3), cancellation: cancelled)).CancellationToken);
    }

    private static float Standardize(Scaling scaling, int column, float value) =>
        (float)((value - scaling.Center(column)) * scaling.Scale(column));

    /// <summary>From rows as the reader sums them up: the columns, the label behind them, then the weight.</summary>
    private static Scaling Make(Examples rows, bool standardize = true, Scaling? previous = null, CancellationToken cancellation = default)
    {
        int rowLength = RowBlock.RowLengthOf(rows.Width);
        var moments = new ColumnMoments(rowLength, rows.Width + 1);
        var values = new float[rows.Count * rowLength];
        for (int row = 0; row < rows.Count; row++)
        {
            rows.Features[row].CopyTo(values, row * rowLength);
            values[row * rowLength + rows.Width] = rows.Labels[row];
            values[row * rowLength + rows.Width + 1] = rows.Weight(row);
        }
        moments.AddDense(values);
        return new Scaling(ActiveFeatures.All(rows.Width), moments, rows.Count,
            new RmsPropRegressionTrainer.Options { Standardize = standardize, Decorrelate = false }.ToSettings().Reading, previous, cancellation);
    }
}
