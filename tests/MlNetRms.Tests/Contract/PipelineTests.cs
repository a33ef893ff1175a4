using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Contract;

/// <summary>Everything ML.NET does with its own linear models works on this one.</summary>
public sealed class PipelineTests
{
    private static readonly Examples _rows = Some.Linear(1, 200, [1, 10, 0.1], means: [0, 5, 1]);
    private static readonly string[] _names = ["First", "Second", "Third"];
    private readonly MLContext _ml = new(1);

    private sealed class Scored
    {
        public float Score { get; set; }
    }

    private sealed class Raw
    {
        public float A { get; set; }

        public float B { get; set; }

        public float C { get; set; }

        public float Label { get; set; }
    }

    private IDataView RawView => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, _rows.Count).Select(row => new Raw
    {
        A = _rows.Features[row][0],
        B = _rows.Features[row][1],
        C = _rows.Features[row][2],
        Label = _rows.Labels[row],
    }));

    private EstimatorChain<RmsPropRegressionTransformer> Pipeline =>
        _ml.Transforms.Concatenate("Features", "A", "B", "C").Append(_ml.Regression.Trainers.RmsProp(numberOfEpochs: 30, batchSize: 64));

    [Fact]
    public void Score_OfEveryRow_IsTheDotProductPlusTheBias()
    {
        RmsPropRegressionTransformer model = _rows.Fit();

        float[] scores = model.Scores(_rows.View(_ml));

        for (int row = 0; row < _rows.Count; row++)
        {
            double expected = model.Model.Bias + model.Model.Weights.Zip(_rows.Features[row], (w, x) => (double)w * x).Sum();
            Assert.Equal(expected, scores[row], 1e-5);        // four additions of floats around 10
        }
    }

    [Fact]
    public void Fit_InAChain_GivesTheModelOfTheTrainerAlone()
    {
        TransformerChain<RmsPropRegressionTransformer> chain = Pipeline.Fit(RawView);

        Assert.Equal(_rows.Fit(new() { NumberOfEpochs = 30, BatchSize = 64 }).Parameters(), chain.LastTransformer.Parameters());
        Assert.Equal(chain.LastTransformer.Scores(_rows.View(_ml)), chain.Scores(RawView));
    }

    [Fact]
    public void Append_TransformAfterTheTrainer_SeesTheScore()
    {
        var chain = Pipeline.Append(_ml.Transforms.CopyColumns("Prediction", "Score")).Fit(RawView);

        Assert.Equal(chain.Scores(RawView), chain.Transform(RawView).GetColumn<float>("Prediction"));
        Assert.Equal(_rows.Count, chain.Scores(RawView).Length);
    }

    [Fact]
    public void CrossValidate_FiveFolds_ScoresEachFoldNearTheNoise()
    {
        var folds = _ml.Regression.CrossValidate(RawView, Pipeline, numberOfFolds: 5);

        Assert.Equal(5, folds.Count);
        // The noise is 0.3; with forty rows per fold, five standard errors of the root mean square are 0.17.
        Assert.All(folds, fold => Assert.InRange(fold.Metrics.RootMeanSquaredError, 0.13, 0.47));
        Assert.All(folds, fold =>
            Assert.IsType<RmsPropRegressionTransformer>(((TransformerChain<RmsPropRegressionTransformer>)fold.Model).LastTransformer));
    }

    [Fact]
    public void PredictionEngine_OneRow_GivesTheScoreItHasAmongSeveral()
    {
        TransformerChain<RmsPropRegressionTransformer> chain = Pipeline.Fit(RawView);
        using PredictionEngine<Raw, Scored> engine = _ml.Model.CreatePredictionEngine<Raw, Scored>(chain);
        Raw[] raw = _ml.Data.CreateEnumerable<Raw>(RawView, reuseRowObject: false).ToArray();

        Assert.Equal(chain.Scores(RawView), raw.Select(row => engine.Predict(row).Score));
        Assert.Equal(chain.Scores(RawView), raw.Select(row => Assert.Single(chain.Scores(_ml.Data.LoadFromEnumerable([row])))));
    }

    [Fact]
    public void Score_DenseOrSparseRow_IsTheSame()
    {
        Examples rows = Some.MostlyZero(2, 100, 2, 80, 3);
        RmsPropRegressionTransformer model = rows.Fit();

        Models.AssertClose(model.Scores(rows.View(_ml)), model.Scores(rows.View(_ml, _ => true)), 1e-6);        // other order of addition
    }

    [Fact]
    public void CalculateFeatureContribution_Model_EqualsThatOfTheNativeModel()
    {
        RmsPropRegressionTransformer model = _rows.Fit();
        IDataView view = _rows.View(_ml, _names);

        float[][] actual = Contributions(_ml.Transforms.CalculateFeatureContribution(model, normalize: false));

        Assert.Equal(Contributions(_ml.Transforms.CalculateFeatureContribution(model.Native, normalize: false)), actual);
        for (int row = 0; row < _rows.Count; row++)
            Assert.Equal(_rows.Features[row].Zip(model.Model.Weights, (x, w) => x * w), actual[row]);

        float[][] Contributions(IEstimator<ITransformer> estimator) =>
            estimator.Fit(view).Transform(model.Transform(view)).GetColumn<float[]>("FeatureContributions").ToArray();
    }

    [Fact]
    public void PermutationFeatureImportance_WholeChain_IsThatOfTheNativeChain()
    {
        IDataView view = _rows.View(_ml, [.. Enumerable.Range(0, _rows.Width).Select(i => $"x{i}")]);
        TransformerChain<RmsPropRegressionTransformer> chain = _ml.Transforms.CopyColumns("Copy", "Features")
            .Append(_ml.Regression.Trainers.RmsProp(numberOfEpochs: 5)).Fit(view);

        var actual = new MLContext(1).Regression.PermutationFeatureImportance(chain, chain.Transform(view), "Label", permutationCount: 2);

        var expected = new MLContext(1).Regression.PermutationFeatureImportance((ITransformer)chain.ToNative(), chain.Transform(view), "Label",
            permutationCount: 2);
        Assert.Equal(_rows.Width, actual.Count);
        Assert.Equal(expected.OrderBy(pair => pair.Key)
            .Select(pair => (pair.Key, pair.Value.MeanSquaredError.Mean, pair.Value.MeanSquaredError.Count)),
            actual.OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value.MeanSquaredError.Mean, pair.Value.MeanSquaredError.Count)));
    }

    [Fact]
    public void PermutationFeatureImportance_LastTransformer_RanksByWeightTimesScale()
    {
        IDataView view = _rows.View(_ml, _names);
        RmsPropRegressionTransformer model = _rows.Fit();

        double[] increase = _ml.Regression.PermutationFeatureImportance(model, view, permutationCount: 3)
            .Select(metrics => metrics.RootMeanSquaredError.Mean).ToArray();

        double[] scales = [1, 10, 0.1];
        int[] expected = Enumerable.Range(0, 3).OrderBy(i => Math.Abs(model.Model.Weights[i] * scales[i])).ToArray();
        Assert.Equal(expected, Enumerable.Range(0, 3).OrderBy(i => increase[i]));
    }

    [Fact]
    public void PermutationFeatureImportance_WholeChainMadeNative_EqualsThatOfTheLastTransformer()
    {
        IDataView view = RawView;
        TransformerChain<RmsPropRegressionTransformer> chain = Pipeline.Fit(view);
        var expected = new MLContext(1).Regression.PermutationFeatureImportance(chain.LastTransformer, chain.Transform(view));

        var actual = new MLContext(1).Regression.PermutationFeatureImportance((ITransformer)chain.ToNative(), chain.Transform(view));

        Assert.Equal(["A", "B", "C"], actual.Keys.Order());
        Assert.Equal(expected.Select(metrics => metrics.RootMeanSquaredError.Mean),
            new[] { "A", "B", "C" }.Select(name => actual[name].RootMeanSquaredError.Mean));
    }

    [Fact]
    public void Save_AndLoad_GivesMlNetsOwnTransformerWithIdenticalScores()
    {
        IDataView view = RawView;
        TransformerChain<RmsPropRegressionTransformer> chain = Pipeline.Fit(view);

        ITransformer loaded = SavedAndLoaded(chain, view.Schema, out DataViewSchema schema);

        var native = Assert.IsType<RegressionPredictionTransformer<LinearRegressionModelParameters>>(
            Assert.IsType<TransformerChain<ITransformer>>(loaded).LastTransformer);
        Assert.Equal([.. native.Model.Weights, native.Model.Bias], chain.LastTransformer.Parameters());
        Assert.Equal(chain.Scores(view), loaded.Scores(view));
        Assert.Equal(view.Schema.Select(column => column.Name), schema.Select(column => column.Name));
    }

    [Fact]
    public void Save_TransformerAlone_LoadsWithIdenticalScores()
    {
        IDataView view = _rows.View(_ml);
        RmsPropRegressionTransformer model = _rows.Fit();

        ITransformer loaded = SavedAndLoaded(model, view.Schema, out _);

        Assert.Equal(model.Scores(view), loaded.Scores(view));
        Assert.DoesNotContain(loaded as IEnumerable<ITransformer> ?? [loaded], transformer => transformer is RmsPropRegressionTransformer);
    }

    [Fact]
    public void Evaluate_Scores_TakesThemAsRegressionScores()
    {
        RmsPropRegressionTransformer model = _rows.Fit();

        RegressionMetrics metrics = _ml.Regression.Evaluate(model.Transform(_rows.View(_ml)));

        Assert.Equal(model.Rmse(_rows), metrics.RootMeanSquaredError, 1e-6);
    }

    private ITransformer SavedAndLoaded(ITransformer model, DataViewSchema schema, out DataViewSchema loadedSchema)
    {
        using var stream = new MemoryStream();
        _ml.Model.Save(model, schema, stream);
        stream.Position = 0;
        return new MLContext().Model.Load(stream, out loadedSchema);
    }
}
