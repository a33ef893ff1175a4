using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Settings;
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
    [InlineData(700, 320)]
    [InlineData(700, 321)]
    [InlineData(639, 320)]        // wide: more columns than half the rows
    public void Read_SetsWithSparseColumns_NeverCentersThem(int count, int columns)
    {
        // One level per row, each in at least one row.
        Examples rows = new([.. Enumerable.Range(0, count)
            .Select(row => Enumerable.Range(0, columns).Select(column => row % columns == column ? 1f : 0).ToArray())],
            Some.Normals(1, count));

        using TrainingRows read = Stored.Read(rows, new());

        Assert.Equal(columns, read.Layout.SparseCount);
        Assert.All(Enumerable.Range(0, columns), column => Assert.Equal(0, read.Scaling.Center(column)));
        Assert.True(read.Scaling.SparseRowNorm > 0);
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
        Examples rows = Some.Linear(1, 60_000, 60);        // 15 MB packed
        using RowMemory memory = Stored.Memory(60);

        using TrainingRows read = Stored.Read(rows.View(new MLContext(1)), new() { Shuffle = shuffle }, memory);
        if (withValidationData)
            ReadValidation(read, rows, _ => false);

        double packed = (double)rows.Count * read.Layout.Stride * sizeof(float) * (withValidationData ? 2 : 1);
        // Raw rows have a number more than packed ones; 64 pages of 64 KiB are half empty.
        Assert.InRange(memory.MostBytesHeld, packed, 1.03 * packed + 64 * 65536);
        Assert.InRange(memory.BytesTaken, memory.MostBytesHeld, memory.MostBytesHeld + SlabCache.SlabBytes);
    }

    /// <summary>A shard needs a cache line a bucket at least, and as much again until its rows are many.</summary>
    [Theory]
    [InlineData(1000, 200, 5, 8_192)]
    [InlineData(100, 2_000, 5, 8_192)]
    [InlineData(20, 10_000, 5, 8_192)]
    [InlineData(100, 400, 60, 8_192)]
    public void Read_ManyShards_HoldsLittleMoreThanTheSameRowsInOne(int shards, int rowsPerShard, int columns, int bytesPerShard)
    {
        Examples rows = Some.Linear(1, shards * rowsPerShard, columns);
        using RowMemory one = Stored.Memory(columns);
        using RowMemory many = Stored.Memory(columns);

        using TrainingRows whole = Stored.Read(rows.View(new MLContext(1)), new(), one);
        using TrainingRows divided = Stored.Read(Divided(rows, shards), new(), many);

        Assert.Equal(rows.Count, divided.Training.RowCount);
        Assert.InRange(many.MostBytesHeld, 0, 1.5 * one.MostBytesHeld + shards * bytesPerShard);
        Assert.InRange(many.BytesHeld, 0, 1.1 * one.BytesHeld + shards * 1024);
    }

    [Fact]
    public void Read_ManySparseShards_HoldsLittleMoreThanTheSameRowsInOne()
    {
        Examples rows = Some.MostlyZero(1, 40_000, denseColumns: 3, sparseColumns: 300, nonZeros: 20);
        using RowMemory one = Stored.Memory(rows.Width);
        using RowMemory many = Stored.Memory(rows.Width);

        using TrainingRows whole = Stored.Read(rows.View(new MLContext(1), _ => true), new(), one);
        using TrainingRows divided = Stored.Read(Divided(rows, 100, sparse: true), new(), many);

        Assert.InRange(many.MostBytesHeld, 0, 1.5 * one.MostBytesHeld + 100 * 16_384);
        Assert.InRange(many.BytesHeld, 0, 1.5 * one.BytesHeld + 100 * 16_384);
    }

    [Theory]
    [InlineData(100, 400, 1_000_000)]
    [InlineData(1000, 200, 1)]
    [InlineData(1000, 200, 2_000_000)]
    public void Read_ManyShardsBeyondTheLimit_HoldsTheLimitAndOneShardsShortBlocks(int shards, int rowsPerShard, long limit)
    {
        Examples rows = Some.Linear(1, shards * rowsPerShard, 5);
        using RowMemory memory = Stored.Memory(5, limit);

        using TrainingRows read = Stored.Read(Divided(rows, shards), new() { NumberOfThreads = 2 }, memory);

        long rowBytes = (long)rows.Count * read.Layout.Stride * sizeof(float);
        Assert.True(memory.HasFile || rowBytes < limit);
        Assert.InRange(memory.MostBytesHeld, 1, limit + 5 * 65_536);
        Assert.InRange(memory.BytesHeld, 0, limit + 65_536);
        Assert.InRange(memory.MostFileBytes, 0, 1.25 * rowBytes + shards * 1024 + 10 * 65_536);
    }

    /// <summary>Dense rows: a block of 8 KiB a bucket, and the bucket that is being packed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4_000_000)]
    public void Read_DenseRowsBeyondTheLimit_HoldsTheLimitAndAShortBlockABucket(long limit)
    {
        Examples rows = Some.Linear(1, 60_000, 60);        // 15 MB packed
        using RowMemory memory = Stored.Memory(60, limit);

        using TrainingRows read = Stored.Read(rows.View(new MLContext(1)), new() { NumberOfThreads = 1, ValidationFraction = 0.1f }, memory);

        long bytes = rows.Count * 64L * sizeof(float);
        Assert.InRange(memory.MostBytesHeld, limit / 2, limit + 64 * 12_288 + bytes / 64 + 5 * 65_536);
        Assert.InRange(memory.BytesHeld, 0, limit + 65_536);
        Assert.InRange(memory.MostFileBytes, bytes - limit, bytes + bytes / 64 + 65 * 65_536);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4_000_000)]
    public void Read_SparseRowsBeyondTheLimit_HoldsTheLimitAndAShortBlockABucket(long limit)
    {
        Examples rows = Some.MostlyZero(1, 40_000, denseColumns: 3, sparseColumns: 300, nonZeros: 20);
        using RowMemory memory = Stored.Memory(rows.Width, limit);

        using TrainingRows read = Stored.Read(rows.View(new MLContext(1), _ => true), new() { NumberOfThreads = 1 }, memory);

        long bytes = read.Training.Shards[0].NonZeroCount * 8 + rows.Count * (read.Layout.Stride + 3L) * sizeof(float);
        Assert.InRange(memory.MostBytesHeld, limit / 2, limit + 64 * 12_288 + bytes / 64 + 5 * 65_536);
        Assert.InRange(memory.BytesHeld, 0, limit + 65_536);
        Assert.InRange(memory.MostFileBytes, bytes / 2 - limit, bytes + 66 * 65_536);
    }

    /// <summary>130 000 features are just below a page of 512 KiB, 132 000 above.</summary>
    [Theory]
    [InlineData(60_000)]
    [InlineData(66_000)]
    [InlineData(130_000)]
    [InlineData(132_000)]
    public void Read_VeryLongRows_HoldsWhatTheyNeed(int columns)
    {
        const int Count = 300;
        using RowMemory memory = Stored.Memory(columns);
        var buckets = new RowBuckets(memory, columns, shuffle: true, seed: 1);
        float[] row = Some.Normals(1, columns + 2);
        for (int number = 0; number < Count; number++)
            buckets.AddDense(row);
        long raw = memory.MostBytesHeld;

        ActiveFeatures all = ActiveFeatures.All(columns);
        var layout = new RowLayout(all, new bool[columns], hasWeights: false);
        var moments = new ColumnMoments(RowBlock.RowLengthOf(columns), columns + 1);
        var units = new RowUnits(layout,
            new Scaling(all, moments, rowCount: 0, new RmsPropRegressionTrainer.Options { Standardize = false }.ToSettings().Reading), meanWeight: 1);
        PackedRows packed = PackedRows.Pack(memory, units, buckets, numberOfThreads: 1, CancellationToken.None);

        double rowBytes = (columns + 3) * sizeof(float);
        Assert.InRange(raw, Count * rowBytes, 1.3 * Count * rowBytes);
        Assert.InRange(memory.MostBytesHeld, raw, raw + 20 * rowBytes);
        Assert.InRange(memory.BytesHeld, Count * rowBytes, 1.15 * Count * rowBytes);
        Assert.Equal(row[^2], packed.Label(packed.DenseRows(Count - 1, 1)));
    }

    private static IReadOnlyList<IDataView> Divided(Examples rows, int shards, bool sparse = false)
    {
        int count = rows.Count / shards;
        return [.. Enumerable.Range(0, shards)
            .Select(shard => rows.Take(Enumerable.Range(shard * count, count)).View(new MLContext(1), _ => sparse))];
    }

    private static int[] Labels(PackedRows store) =>
        [.. Enumerable.Range(0, (int)store.RowCount).Select(row => (int)Stored.Row(store, row).Label)];

    private static void ReadValidation(TrainingRows read, Examples rows, Func<int, bool> isSparse)
    {
        IDataView view = rows.View(new MLContext(1), isSparse);
        var names = new ColumnSettings("Features", "Label", rows.Weights is null ? null : "Weight");
        using var reader = new RowReader(view, SchemaChecks.Find(view.Schema, names), CancellationToken.None);
        read.ReadValidation([reader], Shards.One, CancellationToken.None);
    }
}
