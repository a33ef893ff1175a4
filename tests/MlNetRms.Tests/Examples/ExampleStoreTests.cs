using MlNetRms.Examples;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Examples;

public sealed class ExampleStoreTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(63, false)]
    [InlineData(64, true)]
    [InlineData(200, true)]
    public void Constructor_SparseColumns_AreKeptApartFromSixtyFourOn(int sparseColumns, bool apart)
    {
        Rows rows = Some.MostlyZero(1, 300, 3, Math.Max(sparseColumns, 1), sparseColumns == 0 ? 0 : 2);
        if (sparseColumns == 0)
            rows = Some.Linear(1, 300, 4);

        using ExampleStore store = Stored.Read(rows, new());

        Assert.Equal(apart ? sparseColumns : 0, store.SparseCount);
        Assert.Equal(rows.Width, store.DenseCount + store.SparseCount);
    }

    [Theory]
    [InlineData(4, 0, false, false)]
    [InlineData(5, 0, true, false)]
    [InlineData(6, 0, true, true)]
    [InlineData(4, 100, false, false)]
    [InlineData(4, 100, true, true)]
    [InlineData(4, 100, false, true)]
    public void Add_AnyEncoding_KeepsEachStandardisedRowWithItsLabelAndWeight(int denseColumns, int sparseColumns, bool sparseRows, bool weighted)
    {
        // Enough rows to fill several chunks.
        Rows source = sparseColumns > 0 ? Some.MostlyZero(1, 3000, denseColumns, sparseColumns, 3) : Some.Linear(1, 3000, denseColumns);
        var rows = new Rows(source.Features, Enumerable.Range(0, source.Count).Select(row => (float)row).ToArray(),
            weighted ? Enumerable.Range(0, source.Count).Select(row => 1 + row % 5 / 4f).ToArray() : null);

        using ExampleStore store = Stored.Read(rows, new(), out Standardizer standardizer, row => sparseRows && row % 3 != 0);

        double meanWeight = Enumerable.Range(0, rows.Count).Average(row => (double)rows.Weight(row));
        var seen = new HashSet<int>();
        for (long position = 0; position < store.RowCount; position++)
        {
            (float[] features, float label, float weight) = Stored.Row(store, position);
            int row = (int)Math.Round(label * standardizer.LabelStandardDeviation + standardizer.LabelCenter);
            Assert.True(seen.Add(row));
            Assert.Equal(rows.Weight(row) / meanWeight, weight, 1e-6);     // relative to the mean, rounded to float
            for (int i = 0; i < features.Length; i++)
            {
                // One expression in double, rounded once; the vector and scalar forms of it are the same operations.
                Assert.Equal((float)((rows.Features[row][i] - standardizer.Center(i)) * standardizer.Scale(i)), features[i]);
            }
        }
        Assert.Equal(rows.Count, seen.Count);
    }

    [Fact]
    public void DenseRows_BeyondTheEndOfAChunk_GivesThoseThatLieSideBySide()
    {
        Rows rows = Some.Linear(1, 3000, 5);
        using ExampleStore store = Stored.Read(rows, new() { Shuffle = false });
        var labels = new List<float>();

        for (long first = 0; first < store.RowCount;)
        {
            ReadOnlySpan<float> block = store.DenseRows(first, (int)Math.Min(store.RowCount - first, 10_000));
            Assert.Equal(0, block.Length % store.Stride);
            for (int start = store.LabelLane; start < block.Length; start += store.Stride)
                labels.Add(block[start]);
            first += block.Length / store.Stride;
        }

        Assert.Equal(Enumerable.Range(0, rows.Count).Select(row => Stored.Row(store, row).Label), labels);
        Assert.Equal(rows.Count, labels.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void LargestValue_OneOutlier_IsItsColumnAndValue(int sparseColumns)
    {
        Rows rows = sparseColumns > 0 ? Some.MostlyZero(1, 500, 4, sparseColumns, 3) : Some.Linear(1, 500, 4);
        int column = rows.Width - 1;
        rows.Features[123][column] = -12345;

        using ExampleStore store = Stored.Read(rows, new() { Standardize = false });

        Assert.Equal((column, -12345f), store.LargestValue());
    }

    [Fact]
    public void Dispose_Store_FreesItsRows()
    {
        ExampleStore store = Stored.Read(Some.Linear(1, 10, 2), new());

        store.Dispose();

        Assert.Throws<ObjectDisposedException>(() => store.DenseRows(0, 1).Length);
    }
}
