using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

public sealed class RmsPropModelExtensionsTests
{
    private readonly MLContext _ml = new(1);
    private readonly IDataView _view;

    public RmsPropModelExtensionsTests() => _view = Some.Linear(1, 50, 3).View(_ml);

    private RmsPropRegressionTrainer Trainer => _ml.Regression.Trainers.RmsProp(numberOfEpochs: 2);

    private ColumnCopyingEstimator Copy => _ml.Transforms.CopyColumns("Copy", "Features");

    [Fact]
    public void ToNative_TheTransformerItself_IsItsNative()
    {
        RmsPropRegressionTransformer model = Trainer.Fit(_view);

        Assert.Same(model.Native, ((ITransformer)model).ToNative());
    }

    [Fact]
    public void ToNative_NothingToReplace_IsTheModelItself()
    {
        ITransformer model = Copy.Fit(_view);
        ITransformer chain = Copy.Append(Copy).Fit(_view);

        Assert.Same(model, model.ToNative());
        Assert.Same(chain, chain.ToNative());
    }

    [Fact]
    public void ToNative_Chain_EndsWithTheNativeTransformerAndScoresAlike()
    {
        TransformerChain<RmsPropRegressionTransformer> chain = Copy.Append(Trainer).Fit(_view);

        TransformerChain<RegressionPredictionTransformer<LinearRegressionModelParameters>> native = chain.ToNative();

        Assert.Same(chain.LastTransformer.Native, native.LastTransformer);
        AssertNative(chain, native);
    }

    [Fact]
    public void ToNative_ChainAsITransformer_IsReplacedToo()
    {
        ITransformer chain = Copy.Append(Trainer).Fit(_view);

        AssertNative(chain, chain.ToNative());
    }

    [Fact]
    public void ToNative_ChainsWithinChains_AreReplacedAtEveryDepth()
    {
        EstimatorChain<RmsPropRegressionTransformer> inner = Copy.Append(Trainer);
        ITransformer chain = new EstimatorChain<ITransformer>().Append(Copy).Append(inner).Fit(_view);

        AssertNative(chain, chain.ToNative());
    }

    [Fact]
    public void ToNative_TransformAfterTheTrainer_IsReplacedToo()
    {
        ITransformer chain = Copy.Append(Trainer).Append(_ml.Transforms.CopyColumns("Prediction", "Score")).Fit(_view);

        AssertNative(chain, chain.ToNative());
    }

    [Fact]
    public void ToNative_ScopesOfAChain_AreKept()
    {
        EstimatorChain<RmsPropRegressionTransformer> estimator = new EstimatorChain<ITransformer>()
            .Append(_ml.Transforms.CopyColumns("OnlyTraining", "Label"), TransformerScope.Training)
            .Append(_ml.Transforms.CopyColumns("NotScoring", "Label"), TransformerScope.TrainTest)
            .Append(_ml.Transforms.CopyColumns("Never", "Label"), TransformerScope.None)
            .Append(Trainer);
        TransformerChain<RmsPropRegressionTransformer> chain = estimator.Fit(_view);

        var native = chain.ToNative();

        foreach (TransformerScope scope in new[] { TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring,
            TransformerScope.Everything })
        {
            Assert.Equal(chain.GetModelFor(scope).Select(transformer => transformer.ToNative()), native.GetModelFor(scope));
            Assert.Equal(chain.GetOutputSchema(_view.Schema, scope).Select(column => column.Name),
                native.GetOutputSchema(_view.Schema, scope).Select(column => column.Name));
        }
    }

    [Fact]
    public void ToNative_Null_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => ((ITransformer)null!).ToNative());
        Assert.Throws<ArgumentNullException>(() => ((TransformerChain<RmsPropRegressionTransformer>)null!).ToNative());
    }

    [Fact]
    public void GetCoefficients_LoadedChain_AreThoseOfItsLinearModel()
    {
        IDataView view = Named(out string[] names);
        TransformerChain<RmsPropRegressionTransformer> chain = _ml.Transforms.CopyColumns("X", "Features")
            .Append(_ml.Regression.Trainers.RmsProp(featureColumnName: "X", numberOfEpochs: 2))
            .Fit(view);
        ITransformer loaded = SavedAndLoaded(chain, view.Schema, out DataViewSchema schema);

        CoefficientTable table = loaded.GetCoefficients(schema);

        Assert.Equal(names, table.Select(coefficient => coefficient.Name));
        Assert.Equal(chain.LastTransformer.Model.Weights, table.Select(coefficient => coefficient.Weight));
        Assert.Equal(chain.LastTransformer.Model.Bias, table.Bias);
        Assert.Equal(table, chain.ToNative().GetCoefficients(chain.GetOutputSchema(view.Schema)));        // a schema of transformed data works too
    }

    [Fact]
    public void GetCoefficients_FittedChain_AreThoseOfTheTransformerWithTheirErrors()
    {
        IDataView view = Named(out _);
        TransformerChain<RmsPropRegressionTransformer> chain = Copy.Append(Trainer).Fit(view);

        Assert.Equal(chain.LastTransformer.GetCoefficients(), chain.GetCoefficients(view.Schema));
        Assert.NotNull(chain.GetCoefficients(view.Schema)[0].StandardError);
    }

    [Fact]
    public void GetCoefficients_ChainOfAnotherTrainerAndColumnsDroppedAfterIt_FindsItsModel()
    {
        IDataView view = Named(out string[] names);
        ITransformer chain = Copy.Append(_ml.Regression.Trainers.Sdca(maximumNumberOfIterations: 2)).Append(_ml.Transforms.DropColumns("Features"))
            .Fit(view);

        Assert.Equal(names, chain.GetCoefficients(view.Schema).Select(coefficient => coefficient.Name));
    }

    [Fact]
    public void GetCoefficients_NoLinearModel_ThrowsWithTheParameter()
    {
        ITransformer chain = Copy.Append(Copy).Fit(_view);

        Assert.Equal("model", Assert.Throws<ArgumentException>(() => chain.GetCoefficients(_view.Schema)).ParamName);
        Assert.Throws<ArgumentNullException>(() => chain.GetCoefficients(null!));
        Assert.Throws<ArgumentNullException>(() => ((ITransformer)null!).GetCoefficients(_view.Schema));
    }

    private IDataView Named(out string[] names)
    {
        names = ["First", "Second", "Third"];
        return Some.Linear(1, 50, 3).View(_ml, names);
    }

    private ITransformer SavedAndLoaded(ITransformer model, DataViewSchema schema, out DataViewSchema loadedSchema)
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(model, schema, stream);
        stream.Position = 0;
        return _ml.Model.Load(stream, out loadedSchema);
    }

    private void AssertNative(ITransformer model, ITransformer native)
    {
        Assert.Contains(Flatten(model), transformer => transformer is RmsPropRegressionTransformer);
        Assert.DoesNotContain(Flatten(native), transformer => transformer is RmsPropRegressionTransformer);
        Assert.Contains(Flatten(native), transformer => transformer is RegressionPredictionTransformer<LinearRegressionModelParameters>);
        Assert.Equal(Flatten(model).Count(), Flatten(native).Count());
        Assert.Equal(model.Scores(_view), native.Scores(_view));
    }

    private static IEnumerable<ITransformer> Flatten(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [model];
}
