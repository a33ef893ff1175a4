using System.Numerics;
using MlNetRms.Rows;

namespace MlNetRms.Tests.Rows;

public sealed class RowLayoutTests
{
    [Fact]
    public void WholeVectors_AnyLength_IsTheLeastMultipleOfTheVectorThatHoldsIt()
    {
        for (int length = 0; length <= 257; length++)
        {
            int whole = RowLayout.WholeVectors(length);
            Assert.Equal(0, whole % Vector<float>.Count);
            Assert.InRange(whole, length, length + Vector<float>.Count - 1);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Lanes_AnyNumberOfDenseColumns_AreColumnsThenBiasLabelAndWeight(bool hasWeights)
    {
        for (int columns = 1; columns <= 257; columns++)
        {
            var layout = new RowLayout(ActiveFeatures.All(columns), new bool[columns], hasWeights);

            Assert.Equal((columns, columns, 0), (layout.ColumnCount, layout.DenseCount, layout.SparseCount));
            Assert.Equal((columns, columns + 1), (layout.BiasLane, layout.LabelLane));
            Assert.Equal(hasWeights ? columns + 2 : null, layout.WeightLane);
            Assert.Equal(RowLayout.WholeVectors(columns + (hasWeights ? 3 : 2)), layout.DenseLength);
            Assert.Equal(Enumerable.Range(0, columns), Enumerable.Range(0, columns).Select(layout.Position));
            Assert.Equal(layout.BiasLane, layout.Position(columns));
        }
    }

    [Theory]
    [InlineData(1, false, true)]
    [InlineData(2, false, true)]
    [InlineData(3, false, false)]
    [InlineData(1, true, true)]
    [InlineData(2, true, false)]
    public void Stride_FewLanes_IsFourFloatsWhereAllLanesFit(int columns, bool hasWeights, bool isNarrow)
    {
        var layout = new RowLayout(ActiveFeatures.All(columns), new bool[columns], hasWeights);

        Assert.Equal(isNarrow ? 4 : layout.DenseLength, layout.Stride);
        // The parameters fill whole vectors all the same.
        Assert.Equal(RowLayout.WholeVectors(columns + (hasWeights ? 3 : 2)), layout.DenseLength);
    }

    [Fact]
    public void Stride_MoreLanesThanFour_IsThatOfTheParameters()
    {
        for (int columns = 3; columns <= 257; columns++)
        {
            var layout = new RowLayout(ActiveFeatures.All(columns), new bool[columns], hasWeights: true);
            Assert.Equal(layout.DenseLength, layout.Stride);
        }
    }

    [Fact]
    public void Position_SparseColumns_IsTheirPlaceBehindTheDensePart()
    {
        // Every third column is dense.
        bool[] isSparse = [.. Enumerable.Range(0, 120).Select(column => column % 3 != 0)];

        var layout = new RowLayout(ActiveFeatures.All(isSparse.Length), isSparse, hasWeights: true);

        Assert.Equal((120, 40, 80), (layout.ColumnCount, layout.DenseCount, layout.SparseCount));
        Assert.Equal((40, 41, 42), (layout.BiasLane, layout.LabelLane, layout.WeightLane));
        Assert.Equal(RowLayout.WholeVectors(43), layout.DenseLength);
        for (int column = 0; column < 120; column++)
        {
            int place = column - column / 3 - 1;        // among the sparse columns
            Assert.Equal(isSparse[column] ? layout.DenseLength + place : column / 3, layout.Position(column));
        }
        Assert.Equal(40, layout.Position(120));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(63, false)]
    [InlineData(64, true)]
    [InlineData(65, true)]
    public void SparseCount_FewSparseColumns_ArePackedDense(int sparseColumns, bool apart)
    {
        bool[] isSparse = [.. Enumerable.Range(0, 100).Select(column => column >= 100 - sparseColumns)];

        var layout = new RowLayout(ActiveFeatures.All(isSparse.Length), isSparse, hasWeights: false);

        Assert.Equal(apart ? sparseColumns : 0, layout.SparseCount);
        Assert.Equal(apart ? 100 - sparseColumns : 100, layout.DenseCount);
        Assert.Equal(Enumerable.Range(0, layout.DenseCount), Enumerable.Range(0, layout.DenseCount).Select(layout.Position));
    }

    [Fact]
    public void Stride_OnlySparseColumns_IsNarrow()
    {
        var layout = new RowLayout(ActiveFeatures.All(64), Enumerable.Repeat(true, 64).ToArray(), hasWeights: true);

        Assert.Equal((0, 64, 4), (layout.DenseCount, layout.SparseCount, layout.Stride));
        Assert.Equal((0, 1, 2), (layout.BiasLane, layout.LabelLane, layout.WeightLane));
    }
}
