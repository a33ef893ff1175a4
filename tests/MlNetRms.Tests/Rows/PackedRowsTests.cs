using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Rows;

public sealed class PackedRowsTests
{
    [Theory]
    [InlineData(1, 0, false, false)]
    [InlineData(2, 0, true, false)]
    [InlineData(1, 0, true, true)]
    [InlineData(4, 0, false, false)]
    [InlineData(5, 0, true, false)]
    [InlineData(6, 0, true, true)]
    [InlineData(4, 100, false, false)]
    [InlineData(4, 100, true, true)]
    [InlineData(4, 100, false, true)]
    public void Add_AnyEncoding_KeepsEachStandardisedRowWithItsLabelAndWeight(int denseColumns, int sparseColumns, bool sparseRows, bool weighted)
    {
        // Enough rows to fill several chunks.
        Examples source = sparseColumns > 0 ? Some.MostlyZero(1, 3000, denseColumns, sparseColumns, 3) : Some.Linear(1, 3000, denseColumns);
        var rows = new Examples(source.Features, Enumerable.Range(0, source.Count).Select(row => (float)row).ToArray(),
            weighted ? Enumerable.Range(0, source.Count).Select(row => 1 + row % 5 / 4f).ToArray() : null);

        using TrainingRows read = Stored.Read(rows, new() { Decorrelate = false }, out Scaling scaling, row => sparseRows && row % 3 != 0);

        PackedRows store = read.Training.Shards[0];
        double meanWeight = Enumerable.Range(0, rows.Count).Average(row => (double)rows.Weight(row));
        var seen = new HashSet<int>();
        for (long position = 0; position < store.RowCount; position++)
        {
            (float[] features, float label, float weight) = Stored.Row(store, position);
            int row = (int)Math.Round(label * scaling.LabelStandardDeviation + scaling.LabelCenter);
            Assert.True(seen.Add(row));
            Assert.Equal(rows.Weight(row) / meanWeight, weight, 1e-6);     // relative to the mean, rounded to float
            for (int i = 0; i < features.Length; i++)
            {
                // One expression in double, rounded once; the vector and scalar forms of it are the same operations.
                Assert.Equal((float)((rows.Features[row][i] - scaling.Center(i)) * scaling.Scale(i)), features[i]);
            }
        }
        Assert.Equal(rows.Count, seen.Count);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(30, false)]
    [InlineData(1, true)]
    [InlineData(30, true)]
    public void Add_MemoryThatHoldsNaN_LeavesTheLanesBehindTheLastOneZero(int columns, bool sparseRows)
    {
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, chunkLength: 1000));
        StoredChunk used = chunks.Rent(1);
        used.Memory!.Words.Fill(float.NaN);
        chunks.Return(used);
        var layout = new RowLayout(ActiveFeatures.All(columns), new bool[columns], hasWeights: true);
        var store = new PackedRows(chunks, layout, Unscaled(columns), meanWeight: 1);

        for (int row = 0; row < 10; row++)
            store.Add(sparseRows ? new([], [], label: row, weight: 1) : new([], Some.Normals(row, columns), label: row, weight: 1));

        for (int row = 0; row < 10; row++)
        {
            (float[] features, float label, float weight) = Stored.Row(store, row);
            Assert.Equal(sparseRows ? new float[columns] : Some.Normals(row, columns), features);
            Assert.Equal((row, 1), (label, weight));
            Assert.False(store.DenseRows(row, 1)[(layout.WeightLane!.Value + 1)..].ContainsAnyExcept(0f));
        }
    }

    [Fact]
    public void NonZeroCount_SparseColumns_CountsTheirValuesThatAreNotZero()
    {
        Examples rows = Some.MostlyZero(1, 500, denseColumns: 3, sparseColumns: 100, nonZeros: 4);

        using TrainingRows read = Stored.Read(rows, new() { Decorrelate = false }, out _, row => row % 2 == 0);

        Assert.Equal(rows.Features.Sum(row => row[3..].Count(value => value != 0)), read.Training.Shards[0].NonZeroCount);
    }

    [Fact]
    public void DenseRows_BeyondTheEndOfAChunk_GivesThoseThatLieSideBySide()
    {
        Examples rows = Some.Linear(1, 3000, 5);
        using TrainingRows read = Stored.Read(rows, new() { Shuffle = false });
        PackedRows store = read.Training.Shards[0];
        RowLayout layout = store.Layout;
        var labels = new List<float>();

        for (long first = 0; first < store.RowCount;)
        {
            ReadOnlySpan<float> block = store.DenseRows(first, (int)Math.Min(store.RowCount - first, 10_000));
            Assert.Equal(0, block.Length % layout.Stride);
            for (int start = layout.LabelLane; start < block.Length; start += layout.Stride)
                labels.Add(block[start]);
            first += block.Length / layout.Stride;
        }

        Assert.Equal(Enumerable.Range(0, rows.Count).Select(row => Stored.Row(store, row).Label), labels);
        Assert.Equal(rows.Count, labels.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Add_RowsDrainedFromBucketsOfOnePool_TakesTheMemoryOfTheRawRows(bool shuffle)
    {
        // As long raw (header, 30 features, label, weight, rounded up to the chunk's end) as packed (30 features, bias, label).
        const int Columns = 30;
        const int Count = 50_000;
        var allocator = new CountingAllocator();
        using var chunks = new ChunkStore(new ChunkPool(allocator, chunkLength: 1 << 14));
        var buckets = new RowBuckets(chunks, Columns, shuffle, seed: 3);
        float[] values = Some.Normals(1, Columns);
        for (int row = 0; row < Count; row++)
            buckets.Add(new(indices: [], values, label: row, weight: 1));
        int rawSlabs = allocator.Slabs.Count;
        var store = new PackedRows(chunks, new RowLayout(ActiveFeatures.All(Columns), new bool[Columns], hasWeights: false), Unscaled(Columns), meanWeight: 1);

        store.AddAll(buckets, numberOfThreads: 1, CancellationToken.None);

        Assert.Equal(Count, store.RowCount);
        Assert.InRange(rawSlabs, 3, 10);        // 6.6 MB in slabs of 2 MiB, and in random order 64 chunks that are half full
        // In order a chunk is free as soon as it is read; in random order, all chunks of one bucket in 64.
        Assert.InRange(allocator.Slabs.Count, rawSlabs, rawSlabs + 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Add_SparseRowsDrainedFromBucketsOfOnePool_TakesTheMemoryOfTheRawRows(bool shuffle)
    {
        const int Columns = 1000;
        const int Count = 50_000;
        const int NonZeros = 20;
        var allocator = new CountingAllocator();
        using var chunks = new ChunkStore(new ChunkPool(allocator, chunkLength: 1 << 14));
        var buckets = new RowBuckets(chunks, Columns, shuffle, seed: 3);
        float[] values = Some.Normals(1, NonZeros);
        int[] indices = new int[NonZeros];
        for (int row = 0; row < Count; row++)
        {
            for (int k = 0; k < NonZeros; k++)
                indices[k] = 50 * k + row % 50;
            buckets.Add(new(indices, values, label: row, weight: 1));
        }
        int rawSlabs = allocator.Slabs.Count;
        var store = new PackedRows(chunks, new RowLayout(ActiveFeatures.All(Columns), Enumerable.Repeat(true, Columns).ToArray(), hasWeights: false), Unscaled(Columns), meanWeight: 1);

        store.AddAll(buckets, numberOfThreads: 1, CancellationToken.None);

        Assert.Equal(Count * NonZeros, store.NonZeroCount);
        Assert.InRange(rawSlabs, 4, 12);
        // Raw 43 words a row, packed 44: places and values, and a dense part of bias and label in four words.
        Assert.InRange(allocator.Slabs.Count, rawSlabs, rawSlabs + 2);
    }

    [Theory]
    [InlineData(true, 20, 0)]
    [InlineData(true, 4, 100)]
    [InlineData(false, 4, 100)]
    public void AddAll_AnyNumberOfThreads_GivesTheSameRows(bool shuffle, int denseColumns, int sparseColumns)
    {
        const int Count = 150_000;        // a million words and more
        int columns = denseColumns + sparseColumns;
        var layout = new RowLayout(ActiveFeatures.All(columns), [.. Enumerable.Range(0, columns).Select(column => column >= denseColumns)], hasWeights: true);
        int[] indices = [0, 1, 2, 3, 4, 50, 99];
        float[] values = Some.Normals(1, Count + columns);
        ulong[] bits = [.. new[] { 1, 2, 3, 4, 7 }.Select(Bits)];

        Assert.Single(bits.Distinct());

        ulong Bits(int threads)
        {
            using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, chunkLength: 1 << 14));
            var buckets = new RowBuckets(chunks, columns, shuffle, seed: 3);
            for (int row = 0; row < Count; row++)
            {
                if (sparseColumns > 0 && row % 2 == 0)
                    buckets.Add(new(indices, values.AsSpan(row, indices.Length), label: row, weight: 1 + row % 3));
                else
                    buckets.Add(new([], values.AsSpan(row, columns), label: row, weight: 1 + row % 3));
            }
            var store = new PackedRows(chunks, layout, Unscaled(columns), meanWeight: 1);

            store.AddAll(buckets, threads, CancellationToken.None);

            Assert.Equal(Count, store.RowCount);
            var labels = new HashSet<float>();
            ulong hash = 0;
            for (long position = 0; position < store.RowCount; position++)
            {
                (float[] features, float label, float weight) = Stored.Row(store, position);
                int row = (int)label;
                Assert.True(labels.Add(label));
                Assert.Equal(1 + row % 3, weight);
                Assert.Equal(values[row], features[0]);
                foreach (float value in features.Append(label))
                    hash = hash * 1_000_003 + BitConverter.SingleToUInt32Bits(value);
            }
            return hash;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AddAll_CancelledFromAnotherThread_Throws(int threads)
    {
        const int Count = 150_000;
        using var chunks = new ChunkStore(new ChunkPool(NativeSlabAllocator.Instance, chunkLength: 1 << 14));
        var buckets = new RowBuckets(chunks, 20, shuffle: true, seed: 3);
        for (int row = 0; row < Count; row++)
            buckets.Add(new([], new float[20], label: row, weight: 1));
        var store = new PackedRows(chunks, new RowLayout(ActiveFeatures.All(20), new bool[20], hasWeights: false), Unscaled(20), meanWeight: 1);

        Assert.Throws<OperationCanceledException>(() => store.AddAll(buckets, threads, new CancellationToken(canceled: true)));
    }

    private static Scaling Unscaled(int columns) =>
        new(ActiveFeatures.All(columns), new ColumnMoments(RowBlock.RowLengthOf(columns), columns + 1), rowCount: 0,
            new RmsPropRegressionTrainer.Options { Standardize = false }.ToSettings().Reading);
}
