using Microsoft.ML.Trainers;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests;

/// <summary>Each common argument of the catalog's method has the effect of the option of that name.</summary>
public sealed class RmsPropCatalogTests
{
    private readonly MLContext _ml = new(1);
    private readonly Examples _rows = Some.Linear(1, 100, 3, weighted: true);

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
            .RmsProp("Y", "X", "C", new HuberLoss(2), 0.1f, 0.01f, 3, 7).Fit(View);

        var options = new Options
        {
            ExampleWeightColumnName = "Weight",
            LossFunction = new HuberLoss(2),
            LearningRate = 0.1f,
            L2Regularization = 0.01f,
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
        var loss = new HuberLoss(0.5f);
        float[] all = Fit(_ml.Regression.Trainers.RmsProp("Y", "X", "C", loss, 0.1f, 0.01f, 3, 7));

        Assert.NotEqual(all, Fit(_ml.Regression.Trainers.RmsProp("Y", "X", null, loss, 0.1f, 0.01f, 3, 7)));
        Assert.NotEqual(all, Fit(_ml.Regression.Trainers.RmsProp("Y", "X", "C", null, 0.1f, 0.01f, 3, 7)));
        Assert.NotEqual(all, Fit(_ml.Regression.Trainers.RmsProp("Y", "X", "C", loss, l2Regularization: 0.01f, numberOfEpochs: 3, batchSize: 7)));
        Assert.NotEqual(all, Fit(_ml.Regression.Trainers.RmsProp("Y", "X", "C", loss, 0.1f, null, 3, 7)));
        Assert.NotEqual(all, Fit(_ml.Regression.Trainers.RmsProp("Y", "X", "C", loss, 0.1f, 0.01f, batchSize: 7)));
        Assert.NotEqual(all, Fit(_ml.Regression.Trainers.RmsProp("Y", "X", "C", loss, 0.1f, 0.01f, 3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Regression.Trainers.RmsProp(featureColumnName: "X").Fit(View));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Regression.Trainers.RmsProp("Y").Fit(View));
    }

    [Theory]
    [InlineData(0f, null, null, 1, "learningRate")]
    [InlineData(1f, -1f, null, 1, "l2Regularization")]
    [InlineData(1f, null, 0, 1, "numberOfEpochs")]
    [InlineData(1f, null, null, 0, "batchSize")]
    public void RmsProp_ArgumentOutOfRange_ThrowsWithTheArgumentsName(float learningRate, float? l2, int? epochs, int batchSize, string name)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Regression.Trainers.RmsProp(
            learningRate: learningRate, l2Regularization: l2, numberOfEpochs: epochs, batchSize: batchSize));

        Assert.Equal(name, exception.ParamName);
        Assert.StartsWith($"{name} must be", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RmsProp_NameNullOrEmptyOrLossRefused_ThrowsWithTheArgumentsName()
    {
        RegressionCatalog.RegressionTrainers trainers = _ml.Regression.Trainers;

        Assert.Equal("labelColumnName", Assert.Throws<ArgumentNullException>(() => trainers.RmsProp(labelColumnName: null!)).ParamName);
        Assert.Equal("featureColumnName", Assert.Throws<ArgumentNullException>(() => trainers.RmsProp(featureColumnName: null!)).ParamName);
        Assert.Equal("labelColumnName", Assert.Throws<ArgumentException>(() => trainers.RmsProp(" ")).ParamName);
        Assert.Equal("exampleWeightColumnName", Assert.Throws<ArgumentException>(() => trainers.RmsProp(exampleWeightColumnName: "")).ParamName);
        Assert.Equal("lossFunction", Assert.Throws<ArgumentException>(() => trainers.RmsProp(lossFunction: new PoissonLoss())).ParamName);
        Assert.Equal("catalog", Assert.Throws<ArgumentNullException>(() => RmsPropCatalog.RmsProp(null!)).ParamName);
    }

    /// <summary>Positional arguments have the order of ML.NET's own trainer.</summary>
    [Fact]
    public void RmsProp_Arguments_BeginAsThoseOfSdcaDo()
    {
        static string[] Names(Type catalog, string method) => [.. catalog.GetMethods().Where(candidate => candidate.Name == method)
            .Select(candidate => candidate.GetParameters())
            .Single(parameters => parameters.Length > 2 && parameters[0].ParameterType == typeof(RegressionCatalog.RegressionTrainers))
            .Select(parameter => parameter.Name!)];
        string[] ours = Names(typeof(RmsPropCatalog), nameof(RmsPropCatalog.RmsProp));

        Assert.Equal(Names(typeof(StandardTrainersCatalog), "Sdca")[..5], ours[..5]);
        Assert.Equal(Names(typeof(StandardTrainersCatalog), "OnlineGradientDescent").Intersect(ours),
            ours.Where(Names(typeof(StandardTrainersCatalog), "OnlineGradientDescent").Contains));
    }

    private float[] Fit(RmsPropRegressionTrainer trainer) => trainer.Fit(View).Parameters();
}
