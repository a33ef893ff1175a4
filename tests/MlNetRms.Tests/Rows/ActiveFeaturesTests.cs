using MlNetRms.Rows;

namespace MlNetRms.Tests.Rows;

public sealed class ActiveFeaturesTests
{
    private static readonly ActiveFeatures _some = ActiveFeatures.From(10, [2, 3, 7]);

    [Fact]
    public void Of_AllFeatures_AreAll()
    {
        Assert.True(ActiveFeatures.From(3, [0, 1, 2]).AreAll);
        Assert.False(_some.AreAll);
        Assert.Equal((3, 10), (_some.Count, _some.FeatureCount));
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    [InlineData(7, 2)]
    public void ColumnOf_AFeatureThatTakesPart_IsItsNumber(int feature, int column)
    {
        Assert.Equal(column, _some.ColumnOf(feature));
        Assert.Equal(feature, _some[column]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(9)]
    public void ColumnOf_AnotherFeature_IsNegative(int feature) => Assert.True(_some.ColumnOf(feature) < 0);

    [Fact]
    public void ToFeatures_OneValueAColumn_IsZeroElsewhere()
    {
        Assert.Equal([0, 0, 5, 6, 0, 0, 0, 7, 0, 0], _some.ToFeatures<float>([5, 6, 7]));
        Assert.Equal([5, 6, 7], ActiveFeatures.All(3).ToFeatures<float>([5, 6, 7]));
    }

    [Fact]
    public void With_Others_IsTheUnionInOrder()
    {
        ActiveFeatures both = _some.With(ActiveFeatures.From(10, [9, 3, 0]));

        Assert.Equal([0, 2, 3, 7, 9], Enumerable.Range(0, both.Count).Select(column => both[column]));
        Assert.True(_some.With(ActiveFeatures.All(10)).AreAll);
        Assert.True(ActiveFeatures.All(10).With(_some).AreAll);
    }

    [Fact]
    public void Rearrange_OfFewerColumns_KeepsEachValueWithItsColumnAndTheBiasLast()
    {
        ActiveFeatures more = ActiveFeatures.From(10, [0, 2, 3, 7, 9]);

        Assert.Equal([0, 5, 6, 7, 0, 8], more.Rearrange([5f, 6f, 7f, 8f], _some));
        Assert.Equal([5f, 6f, 7f, 8f], _some.Rearrange([5f, 6f, 7f, 8f], _some));
        Assert.Equal([0, 0, 5, 6, 0, 0, 0, 7, 0, 0, 8], ActiveFeatures.All(10).Rearrange([5f, 6f, 7f, 8f], _some));
        Assert.Empty(more.Rearrange<double>([], _some));
    }
}
