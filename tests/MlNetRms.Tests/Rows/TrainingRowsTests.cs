using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class TrainingRowsTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(63, false)]
    [InlineData(64, true)]
    [InlineData(200, true)]
    public void Read_SparseColumns_AreKeptApartFromSixtyFourOn(int sparseColumns, bool apart)
    {
        Examples rows = Some.MostlyZero(1, 300, 3, Math.Max(sparseColumns, 1), sparseColumns == 0 ? 0 : 2);
        if (sparseColumns == 0)
            rows = Some.Linear(1, 300, 4);

        using TrainingRows read = Stored.Read(rows, new() { Decorrelate = false });

        Assert.Equal(apart ? rows.OccurringColumns - 3 : 0, read.Layout.SparseCount);
        Assert.Equal(rows.OccurringColumns, read.Layout.DenseCount + read.Layout.SparseCount);
    }

    [Theory]
    [InlineData(700, 320, "", true)]
    [InlineData(700, 321, "", false)]
    [InlineData(639, 320, "", false)]        // wide: more columns than half the rows
    [InlineData(700, 320, nameof(RmsPropRegressionTrainer.Options.L1Regularization), false)]
    [InlineData(700, 320, nameof(RmsPropRegressionTrainer.Options.NonNegativeWeights), false)]
    [InlineData(700, 320, nameof(RmsPropRegressionTrainer.Options.Decorrelate), false)]
    [InlineData(700, 320, nameof(RmsPropRegressionTrainer.Options.Standardize), false)]
    public void Read_SmallSetsWithSparseColumns_CentersThemWhereTheyCanBeDecorrelated(int count, int columns, string option, bool centered)
    {
        // One level a row, each in two rows at least.
        Examples rows = new([.. Enumerable.Range(0, count).Select(row => Enumerable.Range(0, columns).Select(column => row % columns == column ? 1f : 0).ToArray())],
            Some.Normals(1, count));
        var options = new RmsPropRegressionTrainer.Options
        {
            L1Regularization = option == nameof(RmsPropRegressionTrainer.Options.L1Regularization) ? 0.1f : 0,
            NonNegativeWeights = option == nameof(RmsPropRegressionTrainer.Options.NonNegativeWeights),
            Decorrelate = option == nameof(RmsPropRegressionTrainer.Options.Decorrelate) ? false : null,
            Standardize = option != nameof(RmsPropRegressionTrainer.Options.Standardize),
        };

        using TrainingRows read = Stored.Read(rows, options);

        Assert.Equal(centered, read.Scaling.CentersSparse);
        Assert.Equal(centered ? 0 : columns, read.Layout.SparseCount);
        Assert.Equal(centered ? 2 : 0, Math.Round(count * read.Scaling.Center(columns - 1), 3));
        Assert.False(centered && read.Scaling.SparseRowNorm > 0);
    }

    [Fact]
    public void Read_ValidationFraction_DividesTheRowsAndScalesBothPartsAlike()
    {
        Examples rows = Some.Linear(1, 1000, 3);
        rows = new Examples(rows.Features, Enumerable.Range(0, rows.Count).Select(row => (float)row).ToArray());

        using TrainingRows read = Stored.Read(rows, new() { ValidationFraction = 0.25f, Standardize = false });

        int[] training = Labels(read.Training.Shards[0]);
        int[] validation = Labels(read.Validation!.Shards[0]);
        Assert.Equal(Enumerable.Range(0, rows.Count), training.Concat(validation).Order());
        Assert.Equal(validation.Order(), validation);        // in the order of reading
        Assert.InRange(validation.Length, 250 - 5 * 14, 250 + 5 * 14);        // binomial, standard deviation 14
        for (int position = 0; position < validation.Length; position++)
            Assert.Equal(rows.Features[validation[position]], Stored.Row(read.Validation!.Shards[0], position).Features);
    }

    [Fact]
    public void ReadValidation_RowsOfAnotherView_AreInTheUnitsOfTheTrainingRowsAndInOrder()
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 500, 3, weighted: true), new(), out Scaling scaling, _ => false);
        Examples validation = Some.Linear(2, 3000, [2, 3, 4], means: [7, 8, 9], weighted: true);
        double meanWeight = Some.Linear(1, 500, 3, weighted: true).Weights!.Average(weight => (double)weight);

        Assert.Null(read.Validation);
        ReadValidation(read, validation, row => row % 2 == 0);

        Assert.Equal(validation.Count, read.Validation!.RowCount);
        for (int row = 0; row < validation.Count; row++)
        {
            (float[] features, float label, float weight) = Stored.Row(read.Validation.Shards[0], row);
            Assert.Equal(validation.Features[row].Select((x, i) => (float)((x - scaling.Center(i)) * scaling.Scale(i))), features);
            Assert.Equal((validation.Labels[row] - scaling.LabelCenter) / scaling.LabelStandardDeviation, label, 1e-5);
            Assert.Equal(validation.Weight(row) / meanWeight, weight, 1e-6);
        }
    }

    [Fact]
    public void ReadValidation_NoUsableRow_ThrowsAndLeavesTheTrainingRows()
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 20, 2), new());

        var exception = Assert.Throws<InvalidOperationException>(() => ReadValidation(read, new Examples([[float.NaN, 0]], [1]), _ => false));

        Assert.StartsWith("None of the 1 validation rows can be used", exception.Message, StringComparison.Ordinal);
        Assert.Null(read.Validation);
        Assert.Equal(20, read.Training.RowCount);
    }

    [Fact]
    public void Dispose_Rows_FreesTrainingAndValidationRows()
    {
        TrainingRows read = Stored.Read(Some.Linear(1, 100, 2), new() { ValidationFraction = 0.5f });

        read.Dispose();
        read.Dispose();        // twice is once

        Assert.Throws<ObjectDisposedException>(() => read.Training.Shards[0].DenseRows(0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => read.Validation!.Shards[0].DenseRows(0, 1).Length);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void Read_AnyOrder_HoldsTheRowsOnce(bool shuffle, bool withValidationData)
    {
        const int SlabBytes = 2 << 20;
        Examples rows = Some.Linear(1, 60_000, 60);        // 15 MB packed, eight slabs
        var allocator = new CountingAllocator();

        using TrainingRows read = Stored.Read(rows.View(new MLContext(1)), new() { Shuffle = shuffle }, allocator);
        if (withValidationData)
            ReadValidation(read, rows, _ => false);

        double packed = (double)rows.Count * read.Layout.Stride * sizeof(float) * (withValidationData ? 2 : 1);
        // Raw rows have a number more than packed ones; 64 buckets of 64 KiB are half empty.
        Assert.InRange(allocator.Slabs.Count * (double)SlabBytes, packed, 1.03 * packed + 64 * 65536 + 2 * SlabBytes);
    }

    private static int[] Labels(PackedRows store) =>
        [.. Enumerable.Range(0, (int)store.RowCount).Select(row => (int)Stored.Row(store, row).Label)];

    private static void ReadValidation(TrainingRows read, Examples rows, Func<int, bool> isSparse)
    {
        IDataView view = rows.View(new MLContext(1), isSparse);
        var names = new ColumnSettings("Features", "Label", rows.Weights is null ? null : "Weight");
        using var reader = new RowReader(view, SchemaChecks.Find(view.Schema, names), CancellationToken.None);
        read.ReadValidation([reader], Shards.One);
    }
}
