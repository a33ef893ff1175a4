using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Host;

/// <summary>Rows that cannot be used: left out, counted, and mentioned once, or an error if their length is not the column's.</summary>
public sealed class RowReaderTests
{
    private const string Remedy = " mlContext.Transforms.ReplaceMissingValues(\"Features\", " +
        "replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean) before the trainer fills missing features. " +
        "mlContext.Data.FilterRowsByMissingValues(data, \"Label\") leaves rows without a label out on purpose.";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_RowsWithBadValues_TrainsOnTheOthersAndCountsByReason(bool sparse)
    {
        Examples good = Some.Linear(1, 100, [1, 1, 1], weighted: true);
        Examples mixed = WithBadRows(good);
        var ml = new MLContext(1);
        var log = new LogCollector(ml);
        // In the order of reading: a shuffle deals out the row numbers among the usable rows, so it would agree as well.
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp(new Options { ExampleWeightColumnName = "Weight" });

        RmsPropRegressionTransformer model = trainer.Fit(mixed.View(ml, row => sparse && row % 2 == 0));

        Assert.Equal((113, 100), (model.Training.RowsRead, model.Training.RowsUsed));
        Assert.Equal((3, 5, 5), (model.Training.RowsSkippedForLabel, model.Training.RowsSkippedForWeight, model.Training.RowsSkippedForFeatures));
        string warning = Assert.Single(log.Messages(ChannelMessageKind.Warning));
        Assert.Equal("Skipped 13 of 113 rows: 3 for the label ('Label', missing or infinite), 5 for the weight ('Weight', missing, infinite " +
            "or not above 0), 5 for the features ('Features', missing or infinite)." + Remedy, warning);
        Models.AssertClose(trainer.Fit(good.View(ml)).Parameters(), model.Parameters(), 2e-5);        // dense and sparse rows add up in another order
    }

    [Fact]
    public void Fit_WithoutWeightColumn_IgnoresBadWeightsAndDoesNotMentionThem()
    {
        var ml = new MLContext(1);
        var log = new LogCollector(ml);

        TrainingReport report = ml.Regression.Trainers.RmsProp().Fit(WithBadRows(Some.Linear(1, 100, [1, 1, 1], weighted: true)).View(ml)).Training;

        Assert.Equal((3, 0, 5), (report.RowsSkippedForLabel, report.RowsSkippedForWeight, report.RowsSkippedForFeatures));
        Assert.Equal("Skipped 8 of 113 rows: 3 for the label ('Label', missing or infinite), 5 for the features ('Features', missing or infinite)."
            + Remedy,
            Assert.Single(log.Messages(ChannelMessageKind.Warning)));
    }

    [Fact]
    public void Fit_FeaturesFilledAsTheWarningSays_SkipsThemNoMore()
    {
        Examples rows = Some.Linear(1, 100, 3);
        rows.Features[7][1] = float.NaN;
        var ml = new MLContext(1);
        var pipeline = ml.Transforms.ReplaceMissingValues("Features", replacementMode: MissingValueReplacingEstimator.ReplacementMode.Mean)
            .Append(ml.Regression.Trainers.RmsProp());

        Assert.Equal(100, pipeline.Fit(rows.View(ml)).LastTransformer.Training.RowsUsed);
    }

    [Fact]
    public void Fit_AllRowsGood_WarnsOfNothingAndSumsUp()
    {
        var ml = new MLContext(1);
        var log = new LogCollector(ml);

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(numberOfEpochs: 200, batchSize: 128).Fit(Some.Linear(1, 300, 2).View(ml));

        Assert.Empty(log.Messages(ChannelMessageKind.Warning));
        Assert.Contains(FormattableString.Invariant(
                $"Trained on 300 rows for 200 epochs (600 steps); loss of the last epoch {model.Training.Epochs[^1].Loss:g6}."),
            log.Messages(ChannelMessageKind.Info));
    }

    [Fact]
    public void Fit_NoRows_ThrowsInvalidOperation()
    {
        var ml = new MLContext(1);

        var exception = Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp().Fit(Examples.View(ml, [], 3)));

        Assert.Equal("The training data has no rows.", exception.Message);
    }

    [Fact]
    public void Fit_NoUsableRow_ThrowsInvalidOperationWithTheCountsByReason()
    {
        var ml = new MLContext(1);
        Examples rows = WithBadRows(new Examples([[1f, 2f, 3f]], [1f], [1f]));
        rows = rows.Take(Enumerable.Range(1, rows.Count - 1));

        var exception = Assert.Throws<InvalidOperationException>(() =>
            ml.Regression.Trainers.RmsProp(exampleWeightColumnName: "Weight").Fit(rows.View(ml)));

        Assert.StartsWith("None of the 13 training rows can be used: 3 were skipped for a missing or infinite label in column 'Label', " +
            "5 for a weight in column 'Weight' that is not a finite number above 0, 5 for a missing or infinite feature in column 'Features'.",
            exception.Message, StringComparison.Ordinal);
        Assert.Contains("ReplaceMissingValues", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_AnyView_ReadsItOnceWithTheNeededColumnsOnly()
    {
        var ml = new MLContext(1);
        int reads = 0;
        Examples rows = Some.Linear(1, 30, 2);
        IDataView view = rows.View(ml);
        var counted = ml.Data.LoadFromEnumerable(Counted(), view.Schema);

        ml.Regression.Trainers.RmsProp(numberOfEpochs: 20).Fit(counted);

        Assert.Equal(1, reads);

        IEnumerable<Example> Counted()
        {
            reads++;
            for (int row = 0; row < rows.Count; row++)
                yield return new Example { Features = new VBuffer<float>(2, rows.Features[row]), Label = rows.Labels[row] };
        }
    }

    [Fact]
    public void Fit_WeightsOfAnySize_DependsOnTheirProportionsOnly()
    {
        Examples rows = Some.Linear(1, 200, 3, weighted: true);
        var options = new Options { ExampleWeightColumnName = "Weight" };
        float[] expected = rows.Fit(options).Parameters();

        foreach (float scale in new[] { 1e-37f, 1e-30f, 1e30f, 1e37f })
        {
            var scaled = new Examples(rows.Features, rows.Labels, rows.Weights!.Select(weight => weight * scale).ToArray());
            Models.AssertClose(expected, scaled.Fit(options).Parameters(), 2e-5);        // roundings of the scaled weights
        }
    }

    [Theory, MemberData(nameof(WrongLengths))]
    public void Fit_ArrayOfAnotherLengthThanTheColumn_ThrowsWithRowColumnAndBothLengths(float[]? array, int at)
    {
        var ml = new MLContext(1);
        IDataView good = View(ml, Arrays());
        IDataView bad = View(ml, Arrays(at, array));
        RmsPropRegressionTrainer trainer = ml.Regression.Trainers.RmsProp();

        foreach (Action fit in new Action[] { () => trainer.Fit(bad), () => trainer.Fit(good, validationData: bad) })
        {
            var exception = Assert.Throws<InvalidOperationException>(fit);
            Assert.Equal($"Row {at} (counted from 0) has {array?.Length ?? 0} values in feature column 'Features', " +
                "but the column's type says 3. Every row must have the same number of features.", exception.Message);
        }
    }

    [Theory, MemberData(nameof(WrongLengths))]
    public void Fit_ArrayOfAnotherLengthThanTheColumn_IsAnErrorOfMlNetsTrainersToo(float[]? array, int at)
    {
        var ml = new MLContext(1);
        IDataView bad = View(ml, Arrays(at, array));

        var exception = Assert.Throws<InvalidOperationException>(() =>
            ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options { NumberOfThreads = 1 }).Fit(bad));

        Assert.Equal("Vectors must have the same dimensionality.", exception.Message);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Fit_SparseRowOfAnotherLengthThanTheColumn_ThrowsWithRowColumnAndBothLengths(int length)
    {
        var exception = AssertThrowsInRowFive(new VBuffer<float>(length, 1, [1f], [1]));

        Assert.Equal($"Row 5 (counted from 0) has {length} values in feature column 'Features', " +
            "but the column's type says 3. Every row must have the same number of features.", exception.Message);
    }

    [Theory]
    [InlineData(3, 3)]
    [InlineData(-1, -1)]
    [InlineData(-1, -1, 0)]
    [InlineData(2, 2, 2)]
    [InlineData(1, 2, 1)]
    public void Fit_SparseRowWithIndicesOutOfRangeOrOrder_ThrowsWithRowColumnAndIndex(int culprit, params int[] indices)
    {
        var exception = AssertThrowsInRowFive(new VBuffer<float>(3, indices.Length, new float[indices.Length], indices));

        Assert.StartsWith("Row 5 (counted from 0)", exception.Message, StringComparison.Ordinal);
        Assert.Contains($" index {culprit} ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("feature column 'Features'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("less than 3", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_WrongLengthBehindSkippedRows_CountsThemInTheRowNumber()
    {
        var ml = new MLContext(1);
        ArrayRow[] rows = Arrays(at: 7, [1]);
        rows[2].Label = float.NaN;
        rows[4].Features = [float.NaN, 0, 0];

        var exception = Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp().Fit(View(ml, rows)));

        Assert.StartsWith("Row 7 (counted from 0) has 1 values", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_ArraysOfTheColumnsLength_TrainsAsOnVectors()
    {
        var ml = new MLContext(1);
        ArrayRow[] arrays = Arrays();
        var rows = new Examples([.. arrays.Select(row => row.Features!)], [.. arrays.Select(row => row.Label)]);

        Assert.Equal(rows.Fit().Parameters(), ml.Regression.Trainers.RmsProp().Fit(View(ml, arrays)).Parameters());
    }

    /// <summary>An array, and the row that has it.</summary>
    public static TheoryData<float[]?, int> WrongLengths
    {
        get
        {
            var cases = new TheoryData<float[]?, int>();
            foreach (float[]? array in new float[]?[] { null, [], [1, 2], [1, 2, 3, 4] })
            {
                cases.Add(array, 0);
                cases.Add(array, 5);
            }
            return cases;
        }
    }

    /// <summary>A row as a user's class has it; nothing sees to the length of its array.</summary>
    private sealed class ArrayRow
    {
        public float[]? Features { get; set; }

        public float Label { get; set; }
    }

    /// <summary>Twenty rows of three features, and possibly one whose array is another.</summary>
    private static ArrayRow[] Arrays(int at = -1, float[]? other = null)
    {
        Examples rows = Some.Linear(1, 20, 3);
        return [.. Enumerable.Range(0, rows.Count).Select(row => new ArrayRow
        {
            Features = row == at ? other : rows.Features[row],
            Label = rows.Labels[row],
        })];
    }

    private static IDataView View(MLContext ml, ArrayRow[] rows)
    {
        var schema = SchemaDefinition.Create(typeof(ArrayRow));
        schema[nameof(ArrayRow.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3);
        return ml.Data.LoadFromEnumerable(rows, schema);
    }

    private static InvalidOperationException AssertThrowsInRowFive(VBuffer<float> features)
    {
        var ml = new MLContext(1);
        Examples rows = Some.Linear(1, 20, 3);
        IEnumerable<Example> all = Enumerable.Range(0, rows.Count).Select(row => new Example
        {
            Features = row == 5 ? features : new VBuffer<float>(3, rows.Features[row]),
            Label = rows.Labels[row],
        });
        return Assert.Throws<InvalidOperationException>(() => ml.Regression.Trainers.RmsProp().Fit(Examples.View(ml, all, width: 3)));
    }

    /// <summary>One good row first, then bad ones among the rest: 3 labels, 5 weights, 5 features.</summary>
    private static Examples WithBadRows(Examples good)
    {
        float[] bad = [float.NaN, float.PositiveInfinity, float.NegativeInfinity];
        var features = new List<float[]>(good.Features);
        var labels = new List<float>(good.Labels);
        var weights = new List<float>(good.Weights!);
        foreach (float value in bad)
            Insert([1, 2, 3], value, 1);
        foreach (float value in bad.Concat([0, -1]))
            Insert([1, 2, 3], 1, value);
        foreach (float[] row in bad.Select(value => new[] { 1, value, 3 }).Concat([[float.NaN, 0, 0], [0, 0, float.NaN]]))
            Insert(row, 1, 1);
        return new Examples([.. features], [.. labels], [.. weights]);

        void Insert(float[] row, float label, float weight)
        {
            int at = 1 + labels.Count / 2;
            at = Math.Min(at, labels.Count);
            features.Insert(at, row);
            labels.Insert(at, label);
            weights.Insert(at, weight);
        }
    }
}
