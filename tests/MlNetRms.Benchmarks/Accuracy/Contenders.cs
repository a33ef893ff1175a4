using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;

namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>The features that Sdca and OnlineGradientDescent get.</summary>
internal enum PeerFeatures
{
    /// <summary>Features from <c>NormalizeMeanVariance</c>.</summary>
    Normalized,

    /// <summary>Raw features.</summary>
    Raw,
}

/// <summary>The three trainers, fitted to the same examples.</summary>
/// <param name="RmsProp">Trained on raw features.</param>
/// <param name="Sdca">Trained on one thread, because with several its result changes from run to run.</param>
/// <param name="OnlineGradientDescent">Trained without example weights, which it ignores.</param>
internal sealed record Contenders(LinearFit RmsProp, LinearFit Sdca, LinearFit OnlineGradientDescent)
{
    /// <summary>All three with their default options.</summary>
    public static Contenders Fit(ExampleSet training, PeerFeatures peerFeatures = PeerFeatures.Normalized) =>
        Beside(FitRmsProp(training), training, peerFeatures);

    /// <summary>Trains the others, for a model of RmsProp that exists already.</summary>
    public static Contenders Beside(LinearFit rmsProp, ExampleSet training, PeerFeatures peerFeatures) =>
        new(rmsProp, FitSdca(training, peerFeatures), FitOnlineGradientDescent(training, peerFeatures));

    public static LinearFit FitRmsProp(ExampleSet training, RmsPropRegressionTrainer.Options? options = null) =>
        FitRmsProp(training, options, out _);

    /// <param name="training">The rows; example weights are used if there are any.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="report">The report; null if training failed.</param>
    public static LinearFit FitRmsProp(ExampleSet training, RmsPropRegressionTrainer.Options? options, out TrainingReport? report)
    {
        options ??= new RmsPropRegressionTrainer.Options();
        options.ExampleWeightColumnName = training.IsWeighted ? "Weight" : null;
        var context = new MLContext();
        RmsPropRegressionTransformer? fitted = null;
        LinearFit fit = Guarded(training.FeatureCount, () =>
        {
            fitted = context.Regression.Trainers.RmsProp(options).Fit(training.View(context));
            return InRawUnits(fitted.Model, normalizer: null);
        });
        report = fitted?.Training;
        return fit;
    }

    public static LinearFit FitSdca(ExampleSet training, PeerFeatures features) => FitPeer(training, features, context =>
        context.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
        {
            NumberOfThreads = 1,
            ExampleWeightColumnName = training.IsWeighted ? "Weight" : null,
        }));

    private static LinearFit FitOnlineGradientDescent(ExampleSet training, PeerFeatures features) =>
        FitPeer(training, features, context => context.Regression.Trainers.OnlineGradientDescent());

    /// <summary>Applies a measure to each model.</summary>
    public Figures Measure(Func<LinearFit, double> measure) => new(measure(RmsProp), measure(Sdca), measure(OnlineGradientDescent));

    private static LinearFit FitPeer(ExampleSet training, PeerFeatures features, Func<MLContext,
        ITrainerEstimator<RegressionPredictionTransformer<LinearRegressionModelParameters>, LinearRegressionModelParameters>> trainer)
    {
        var context = new MLContext(seed: 1);
        IDataView view = training.View(context);
        NormalizingTransformer? normalizer = features == PeerFeatures.Raw ? null
            : context.Transforms.NormalizeMeanVariance("Features", fixZero: false).Fit(view);
        IDataView cache = context.Data.Cache(normalizer?.Transform(view) ?? view);
        return Guarded(training.FeatureCount, () => InRawUnits(trainer(context).Fit(cache).Model, normalizer));
    }

    /// <summary>A training that throws counts as a result.</summary>
    private static LinearFit Guarded(int featureCount, Func<LinearFit> fit)
    {
        try
        {
            return fit();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or ArithmeticException)
        {
            return LinearFit.Failed(featureCount);
        }
    }

    /// <summary>The weights for raw columns of a model trained on normalised ones, (x − offset) · scale.</summary>
    private static LinearFit InRawUnits(LinearRegressionModelParameters model, NormalizingTransformer? normalizer)
    {
        double[] weights = [.. model.Weights.Select(weight => (double)weight)];
        double bias = model.Bias;
        if (normalizer is not null)
        {
            var affine = (NormalizingTransformer.AffineNormalizerModelParameters<ImmutableArray<float>>)normalizer.GetNormalizerModelParameters(0);
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i] *= affine.Scale[i];
                bias -= weights[i] * (affine.Offset.IsDefaultOrEmpty ? 0 : affine.Offset[i]);
            }
        }
        return new LinearFit(weights, bias);
    }
}
