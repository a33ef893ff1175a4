using MlNetRms.Data;
using MlNetRms.Tests.Support;
using Row = MlNetRms.Data.Row;

namespace MlNetRms.Tests.Data;

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
