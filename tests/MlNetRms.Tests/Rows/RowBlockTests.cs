using MlNetRms.Rows;
using MlNetRms.Tests.Support;
using Row = MlNetRms.Rows.Row;

namespace MlNetRms.Tests.Rows;

public sealed class RowBlockTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(10_000)]        // longer than a block's usual memory
    public void Add_RowsUntilFull_LaysThemOutAsValuesLabelWeightAndZeros(int columns)
    {
        var block = new RowBlock(columns);
        float[] values = Some.Normals(1, columns);
        int count = 0;
        Assert.False(block.IsFull);
        for (; !block.IsFull; count++)
            block.Add(new Row([], values, label: count, weight: 0.5f));

        Assert.Equal(Math.Max(1, 24 * 1024 / sizeof(float) / block.RowLength), count);
        Assert.Equal(count * block.RowLength, block.DenseRows.Length);
        for (int row = 0; row < count; row++)
        {
            ReadOnlySpan<float> stored = block.DenseRows.Slice(row * block.RowLength, block.RowLength);
            Assert.Equal(values, stored[..columns]);
            Assert.Equal((row, 0.5f), (stored[columns], stored[columns + 1]));
            Assert.False(stored[(columns + 2)..].ContainsAnyExcept(0f));
        }
    }

    [Fact]
    public void RowAt_SecondRow_GivesItBack()
    {
        var block = new RowBlock(3);
        block.Add(new Row([], [1, 2, 3], label: 4, weight: 5));
        block.Add(new Row([], [6, 7, 8], label: 9, weight: 10));

        Row row = block.RowAt(1);

        Assert.True(row.IsDense);
        Assert.Equal([6f, 7f, 8f], row.Values);
        Assert.Equal((9, 10), (row.Label, row.Weight));
        Assert.Equal([6f, 7f, 8f, 9f, 10f], block.DenseRow(1));
    }

    [Fact]
    public void Keep_SomeRows_LeavesThemInTheirOrder()
    {
        var block = new RowBlock(2);
        for (int row = 0; row < 10; row++)
            block.Add(new Row([], [row, row == 4 ? float.NaN : 1], label: row, weight: 1));
        Assert.False(block.AllFinite());

        block.Keep((in row) => row.Label != 4 && row.Label % 3 != 0);

        Assert.True(block.AllFinite());
        var labels = new List<float>();
        for (int number = 0; number < block.RowCount; number++)
            labels.Add(block.RowAt(number).Label);
        Assert.Equal([1, 2, 5, 7, 8], labels);
    }

    [Fact]
    public void Keep_DenseAndSparseRowsInTurns_LeavesEachAsItCame()
    {
        const int Columns = 4;
        var block = new RowBlock(Columns);
        int count = 0;
        for (; !block.IsFull; count++)
        {
            block.Add((count % 3) switch
            {
                0 => new Row([], [count, 0, 1, 2], label: count, weight: 0.5f),
                1 => new Row([1, 3], [count, 7], label: count, weight: 2),
                _ => new Row([], [], label: count, weight: 3),        // a sparse row without values
            });
        }
        Assert.True(block.HasSparseRows);
        Assert.InRange(count, 1150, 2310);        // 24 KiB of either kind; a dense row takes 8 or 16 words as vectors are wide

        block.Keep((in row) => row.Label % 5 != 0);

        Assert.Equal(count - (count + 4) / 5, block.RowCount);
        Assert.Equal(Enumerable.Range(0, count).Count(row => row % 3 == 0 && row % 5 != 0) * block.RowLength, block.DenseRows.Length);
        for (int number = 0; number < block.RowCount; number++)
        {
            int row = number / 4 * 5 + number % 4 + 1;
            Row kept = block.RowAt(number);
            Assert.Equal((row, row % 3 == 0), (kept.Label, kept.IsDense));
            Assert.Equal(row % 3 == 1 ? [1, 3] : [], kept.Indices);
            Assert.Equal((row % 3) switch { 0 => [row, 0, 1, 2], 1 => [row, 7], _ => [] }, kept.Values);
            Assert.Equal((row % 3) switch { 0 => 0.5f, 1 => 2, _ => 3 }, kept.Weight);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void AllFinite_ValueOfASparseRow_IsSeen(float value)
    {
        var block = new RowBlock(5);
        block.Add(new Row([], [1, 2, 3, 4, 5], label: 6, weight: 7));
        block.Add(new Row([0, 2], [1, 2], label: 6, weight: 7));
        Assert.True(block.AllFinite());

        block.Add(new Row([2], [value], label: 6, weight: 7));

        Assert.False(block.AllFinite());
    }

    [Fact]
    public void Add_ShortSparseRowsOfManyColumns_FitInGreatNumber()
    {
        var block = new RowBlock(1_000_000);
        int[] indices = [.. Enumerable.Range(0, 50)];
        int count = 0;
        for (; !block.IsFull; count++)
            block.Add(new Row(indices, new float[50], label: 1, weight: 2));

        Assert.Equal(61, count);        // 24 KiB of 102 words
        block.Add(new Row([], new float[1_000_000], label: 3, weight: 4));        // a dense one still has room
        Assert.Equal((3, 4), (block.RowAt(count).Label, block.RowAt(count).Weight));
    }

    [Fact]
    public void Add_SparseRowLongerThanABlock_IsKeptAlone()
    {
        const int Values = 20_000;
        var block = new RowBlock(1_000_000);
        float[] values = Some.Normals(1, Values);
        int[] indices = [.. Enumerable.Range(0, Values).Select(k => 3 * k)];

        block.Add(new Row(indices, values, label: 1, weight: 2));

        Assert.True(block.IsFull);
        Assert.Equal(indices, block.RowAt(0).Indices);
        Assert.Equal(values, block.RowAt(0).Values);
    }

    [Fact]
    public void Clear_FullBlock_MakesRoomForAllItsRowsAgain()
    {
        var block = new RowBlock(5);
        while (!block.IsFull)
            block.Add(new Row([], [1, 2, 3, 4, 5], label: 6, weight: 7));
        int length = block.DenseRows.Length;

        block.Clear();

        Assert.Equal(0, block.DenseRows.Length);
        while (!block.IsFull)
            block.Add(new Row([], [1, 2, 3, 4, 5], label: 6, weight: 7));
        Assert.Equal(length, block.DenseRows.Length);
    }
}
