using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests;

/// <summary>Each common argument of the catalog's method has the effect of the option of that name.</summary>
public sealed class RmsPropCatalogTests
{
    private readonly MLContext _ml = new(1);
    private readonly Rows _rows = Some.Linear(1, 100, 3, weighted: true);

    private IDataView View
    {
        get
        {
            var renamed = _ml.Transforms.CopyColumns("Y", "Label").Append(_ml.Transforms.CopyColumns("X", "Features"))
                .Append(_ml.Transforms.CopyColumns("C", "Weight")).Append(_ml.Transforms.DropColumns("Label", "Features", "Weight"));
            return renamed.Fit(_rows.View(_ml)).Transform(_rows.View(_ml));
        }
    }

    [Fact]
    public void RmsProp_AllArguments_EqualTheOptions()
    {
        RmsPropRegressionTransformer model = _ml.Regression.Trainers
            .RmsProp("Y", "X", "C", learningRate: 0.1f, numberOfEpochs: 3, batchSize: 7).Fit(View);

        var options = new Options
        {
            ExampleWeightColumnName = "Weight",
            LearningRate = 0.1f,
            NumberOfEpochs = 3,
            BatchSize = 7,
        };
        Assert.Equal(_rows.Fit(options).Parameters(), model.Parameters());
        Assert.Equal("X", model.FeatureColumnName);
        Assert.Equal((7, 3), (model.Training.BatchSize, model.Training.Epochs.Count));
    }

    [Fact]
    public void RmsProp_EachArgumentLeftOut_MakesADifference()
    {
        float[] all = _ml.Regression.Trainers.RmsProp("Y", "X", "C", 0.1f, 3, 7).Fit(View).Parameters();

        Assert.NotEqual(all, _ml.Regression.Trainers.RmsProp("Y", "X", null, 0.1f, 3, 7).Fit(View).Parameters());
        Assert.NotEqual(all, _ml.Regression.Trainers.RmsProp("Y", "X", "C", numberOfEpochs: 3, batchSize: 7).Fit(View).Parameters());
        Assert.NotEqual(all, _ml.Regression.Trainers.RmsProp("Y", "X", "C", 0.1f, batchSize: 7).Fit(View).Parameters());
        Assert.NotEqual(all, _ml.Regression.Trainers.RmsProp("Y", "X", "C", 0.1f, 3).Fit(View).Parameters());
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Regression.Trainers.RmsProp(featureColumnName: "X").Fit(View));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Regression.Trainers.RmsProp("Y").Fit(View));
    }

    [Theory]
    [InlineData(0f, null, 1, "LearningRate")]
    [InlineData(1f, 0, 1, "NumberOfEpochs")]
    [InlineData(1f, null, 0, "BatchSize")]
    public void RmsProp_ArgumentOutOfRange_ThrowsWithTheOptionsName(float learningRate, int? epochs, int batchSize, string name) =>
        Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(() =>
            _ml.Regression.Trainers.RmsProp(learningRate: learningRate, numberOfEpochs: epochs, batchSize: batchSize)).ParamName);
}
