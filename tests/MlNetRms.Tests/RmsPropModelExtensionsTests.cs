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

        foreach (TransformerScope scope in new[] { TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring, TransformerScope.Everything })
        {
            Assert.Equal(chain.GetModelFor(scope).Select(transformer => transformer.ToNative()), native.GetModelFor(scope));
            Assert.Equal(chain.GetOutputSchema(_view.Schema, scope).Select(column => column.Name), native.GetOutputSchema(_view.Schema, scope).Select(column => column.Name));
        }
    }

    [Fact]
    public void ToNative_Null_Throws()
    {
        Assert.Throws<ArgumentNullException>(() => ((ITransformer)null!).ToNative());
        Assert.Throws<ArgumentNullException>(() => ((TransformerChain<RmsPropRegressionTransformer>)null!).ToNative());
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
