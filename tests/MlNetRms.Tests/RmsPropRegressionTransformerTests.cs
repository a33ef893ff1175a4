using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

public sealed class RmsPropRegressionTransformerTests
{
    private readonly MLContext _ml = new(1);
    private readonly Examples _rows = Some.Linear(1, 50, 3);

    [Fact]
    public void Properties_FittedModel_AreThoseOfTheNativeTransformer()
    {
        RmsPropRegressionTransformer model = _rows.Fit();

        Assert.Same(model.Native.Model, model.Model);
        Assert.Equal("Features", model.FeatureColumnName);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 3), model.FeatureColumnType);
        Assert.True(((ITransformer)model).IsRowToRowMapper);
    }

    [Fact]
    public void Conversion_ToMlNetsTransformer_IsTheNativeOne()
    {
        RmsPropRegressionTransformer model = _rows.Fit();

        RegressionPredictionTransformer<LinearRegressionModelParameters> native = model;

        Assert.Same(model.Native, native);
        Assert.Null((RegressionPredictionTransformer<LinearRegressionModelParameters>?)(RmsPropRegressionTransformer?)null);
    }

    [Fact]
    public void ToString_FewOrManyFeatures_IsTheFormula()
    {
        Examples rows = new([[1], [2], [3]], [3, 5, 7]);
        string few = rows.Fit(new() { NumberOfEpochs = 3000 }).ToString();
        string many = Some.Linear(1, 50, 7).Fit().ToString();

        Assert.Equal("Linear regression: Score = 1 + 2·Slot 0, trained on 3 rows", few);
        Assert.Matches(@"^Linear regression: Score = -?[\d.]+( [+−] [\d.]+·Slot \d){5} \+ … \(7 features\), trained on 50 rows$", many);
    }

    [Fact]
    public void GetRowToRowMapper_InputSchema_MapsToTheOutputSchema()
    {
        RmsPropRegressionTransformer model = _rows.Fit();
        DataViewSchema input = _rows.View(_ml).Schema;

        IRowToRowMapper mapper = ((ITransformer)model).GetRowToRowMapper(input);

        Assert.Same(input, mapper.InputSchema);
        Assert.Equal(model.GetOutputSchema(input).Select(column => (column.Name, column.Type)),
            mapper.OutputSchema.Select(column => (column.Name, column.Type)));
    }

    [Fact]
    public void Transform_FeaturesOfAnotherSize_ThrowsAsTheNativeTransformerDoes()
    {
        RmsPropRegressionTransformer model = _rows.Fit();
        IDataView other = Some.Linear(1, 5, 4).View(_ml);

        Exception expected = Assert.ThrowsAny<Exception>(() => model.Native.Scores(other));

        Assert.Equal(expected.Message, Assert.Throws(expected.GetType(), () => model.Scores(other)).Message);
    }

    [Fact]
    public void Dispose_Twice_DoesNotThrowAndLeavesTheModelReadable()
    {
        RmsPropRegressionTransformer model = _rows.Fit();
        float[] before = model.Parameters();

        model.Dispose();
        model.Dispose();

        Assert.Equal(before, model.Parameters());
    }

    [Fact]
    public void Dispose_OfAChain_ReachesTheModel()
    {
        TransformerChain<RmsPropRegressionTransformer> chain = _ml.Transforms.CopyColumns("Copy", "Features")
            .Append(_ml.Regression.Trainers.RmsProp(numberOfEpochs: 1)).Fit(_rows.View(_ml));

        chain.Dispose();

        Assert.IsAssignableFrom<IDisposable>(chain.LastTransformer);
        Assert.Equal(3, chain.LastTransformer.Model.Weights.Count);
    }
}
