using MlNetRms.Rows;
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
        // Enough rows to fill several segments.
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
        using var memory = new RowMemory(pageWords: 1024);
        Block[] used = [.. Enumerable.Range(0, 20).Select(_ => memory.Rent(1024))];
        Array.ForEach(used, block => block.Words.Fill(float.NaN));
        Array.ForEach(used, memory.Return);
        var layout = new RowLayout(ActiveFeatures.All(columns), new bool[columns], hasWeights: true);
        var buckets = new RowBuckets(memory, columns, shuffle: false, seed: 1);

        for (int row = 0; row < 10; row++)
            buckets.Add(sparseRows ? new([], [], label: row, weight: 1) : new([], Some.Normals(row, columns), label: row, weight: 1));
        PackedRows store = Pack(memory, buckets, layout);

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
    public void DenseRows_BeyondTheEndOfASegment_GivesThoseThatLieSideBySide()
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

    /// <summary>As long raw (header, 30 features, label, weight) as packed (30 features, bias, label).</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pack_DenseRows_TakesTheMemoryOfTheRawRows(bool shuffle)
    {
        const int Columns = 30;
        const int Count = 50_000;
        using RowMemory memory = Stored.Memory(Columns);
        var buckets = new RowBuckets(memory, Columns, shuffle, seed: 3);
        float[] values = Some.Normals(1, Columns);
        for (int row = 0; row < Count; row++)
            buckets.Add(new(indices: [], values, label: row, weight: 1));
        long raw = memory.BytesHeld;

        PackedRows store = Pack(memory, buckets, Layout(Columns, sparse: false));

        Assert.Equal(Count, store.RowCount);
        const long RowBytes = Count * 33L * sizeof(float);
        Assert.InRange(raw, RowBytes, RowBytes + 64 * 65_536);        // in random order, 64 pages that are not full
        // In order a page is free as soon as it is read; in random order, all pages of one bucket in 64.
        Assert.InRange(memory.MostBytesHeld, raw, raw + RowBytes / 64 + 5 * 65_536);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pack_SparseRows_TakesTheMemoryOfTheRawRows(bool shuffle)
    {
        const int Columns = 1000;
        const int Count = 50_000;
        const int NonZeros = 20;
        using RowMemory memory = Stored.Memory(Columns);
        var buckets = new RowBuckets(memory, Columns, shuffle, seed: 3);
        float[] values = Some.Normals(1, NonZeros);
        int[] indices = new int[NonZeros];
        for (int row = 0; row < Count; row++)
        {
            for (int k = 0; k < NonZeros; k++)
                indices[k] = 50 * k + row % 50;
            buckets.Add(new(indices, values, label: row, weight: 1));
        }
        long raw = memory.BytesHeld;

        PackedRows store = Pack(memory, buckets, Layout(Columns, sparse: true));

        Assert.Equal(Count * NonZeros, store.NonZeroCount);
        const long RowBytes = Count * 43L * sizeof(float);
        Assert.InRange(raw, RowBytes, RowBytes + 64 * 65_536);
        // Raw 43 words per row, packed 44: positions and values, and a dense part of bias and label in four words.
        Assert.InRange(memory.MostBytesHeld, raw, raw + RowBytes / 43 + RowBytes / 64 + 10 * 65_536);
    }

    /// <summary>With a limit, the first thread at a segment decides whether it is in memory: two can write to one in the file.</summary>
    [Theory]
    [InlineData(true, 20, 0)]
    [InlineData(true, 4, 100)]
    [InlineData(false, 4, 100)]
    public void Pack_AnyNumberOfThreadsAndAnyLimit_GivesTheSameRows(bool shuffle, int denseColumns, int sparseColumns)
    {
        const int Count = 150_000;        // a million words and more
        int columns = denseColumns + sparseColumns;
        bool[] isSparse = [.. Enumerable.Range(0, columns).Select(column => column >= denseColumns)];
        var layout = new RowLayout(ActiveFeatures.All(columns), isSparse, hasWeights: true);
        int[] indices = [0, 1, 2, 3, 4, 50, 99];
        float[] values = Some.Normals(1, Count + columns);
        long?[] limits = [null, 1, 6_000_000];
        ulong[] bits = [.. new[] { 1, 2, 3, 4, 7 }.SelectMany(threads => limits.Select(limit => Bits(threads, limit)))];

        Assert.Single(bits.Distinct());

        ulong Bits(int threads, long? limit)
        {
            using RowMemory memory = Stored.Memory(columns, limit);
            var buckets = new RowBuckets(memory, columns, shuffle, seed: 3);
            for (int row = 0; row < Count; row++)
            {
                if (sparseColumns > 0 && row % 2 == 0)
                    buckets.Add(new(indices, values.AsSpan(row, indices.Length), label: row, weight: 1 + row % 3));
                else
                    buckets.Add(new([], values.AsSpan(row, columns), label: row, weight: 1 + row % 3));
            }
            buckets.Complete();
            PackedRows store = Pack(memory, buckets, layout, threads);

            Assert.Equal(limit is not null, store.IsInFile);
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
    public void Pack_Cancelled_Throws(int threads)
    {
        const int Count = 150_000;
        using RowMemory memory = Stored.Memory(20);
        var buckets = new RowBuckets(memory, 20, shuffle: true, seed: 3);
        for (int row = 0; row < Count; row++)
            buckets.Add(new([], new float[20], label: row, weight: 1));

        var units = new RowUnits(Layout(20, sparse: false), Unscaled(20), meanWeight: 1);
        var cancelled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(() => PackedRows.Pack(memory, units, buckets, threads, cancelled));
    }

    [Fact]
    public void Prefetch_RowsInTheFileAndInMemory_NamesThoseInTheFile()
    {
        RecordingFile? file = null;
        using RowMemory memory = Stored.Memory(5, limit: 3_000_000, () => file = new RecordingFile());
        var buckets = new RowBuckets(memory, 5, shuffle: false, seed: 3);
        for (int row = 0; row < 150_000; row++)
            buckets.AddDense([1, 2, 3, 4, 5, row, 1]);
        buckets.Complete();
        PackedRows store = Pack(memory, buckets, Layout(5, sparse: false));
        file!.Steps.Clear();

        store.PrefetchRing(first: 100_000, count: store.RowCount);
        // The segment of the first row is named twice: neighbours are named at once, and the ring begins and ends in it.
        long end = 0;
        long bytes = 0;
        foreach ((long position, long length) in file.Prefetched.OrderBy(range => range.Position))
        {
            bytes += Math.Max(position + length - Math.Max(position, end), 0);
            end = Math.Max(end, position + length);
        }
        for (int row = 0; row < store.RowCount; row++)
            Assert.Equal(row, store.DenseRows(row, 1)[store.Layout.LabelLane]);

        int rowBytes = store.Layout.Stride * sizeof(float);
        Assert.InRange(bytes, 150_000 * rowBytes - 3_000_000, 150_000 * rowBytes - 1_000_000);
        // The first row of a segment is read alone, and then the rest at once.
        Assert.Equal(bytes, file.Steps.Where(step => step.IsRead).Sum(step => step.Bytes));
        Assert.InRange(file.Steps.Count(step => step.IsRead), 2, 2 * 150_000 / (65_536 / rowBytes) + 2);
    }

    [Fact]
    public void DenseRows_TheFileFails_ThrowsAndTheNextCallTriesAgain()
    {
        bool isPacked = false;
        int failures = 0;
        using RowMemory memory = Stored.Memory(5, limit: 1, () => new RecordingFile { BeforeRead = Fail });
        var buckets = new RowBuckets(memory, 5, shuffle: false, seed: 3);
        for (int row = 0; row < 50_000; row++)
            buckets.AddDense([1, 2, 3, 4, 5, row, 1]);
        PackedRows store = Pack(memory, buckets, Layout(5, sparse: false));
        isPacked = true;

        Assert.Equal("failure 1", Assert.Throws<IOException>(() => store.DenseRows(0, 1).Length).Message);
        Assert.Equal("failure 2", Assert.Throws<IOException>(() => store.DenseRows(0, 1).Length).Message);

        void Fail(int number)
        {
            if (isPacked)
                throw new IOException($"failure {++failures}");
        }
    }

    private static PackedRows Pack(RowMemory memory, RowBuckets buckets, RowLayout layout, int threads = 1) =>
        PackedRows.Pack(memory, new RowUnits(layout, Unscaled(layout.ColumnCount), meanWeight: 1), buckets, threads, CancellationToken.None);

    private static RowLayout Layout(int columns, bool sparse) =>
        new(ActiveFeatures.All(columns), [.. Enumerable.Repeat(sparse, columns)], hasWeights: false);

    private static Scaling Unscaled(int columns) =>
        new(ActiveFeatures.All(columns), new ColumnMoments(RowBlock.RowLengthOf(columns), columns + 1), rowCount: 0,
            new RmsPropRegressionTrainer.Options { Standardize = false }.ToSettings().Reading);
}
