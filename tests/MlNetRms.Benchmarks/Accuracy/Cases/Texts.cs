using Microsoft.ML;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Documents in which one word in thirty is informative: R² on held-out documents, compared with Sdca's.</summary>
internal static class Texts
{
    private static readonly (int Words, int Documents)[] _texts =
        [(30, 1000), (100, 1000), (100, 5000), (300, 1000), (1000, 1000)];

    private static readonly (int Words, int Documents)[] _hashed = [(100, 1000), (100, 5000), (300, 1000)];

    public static IEnumerable<Finding> Find(bool quick)
    {
        const int QuickCount = 2;
        foreach ((int words, int documents) in quick ? _texts.Take(QuickCount) : _texts)
            yield return Find($"FeaturizeText, {documents} × {words} words", documents, words, FeaturizeText);
        foreach ((int words, int documents) in quick ? _hashed.Take(1) : _hashed)
            yield return Find($"hashed n-grams, {documents} × {words} words", documents, words, HashedNgrams);
    }

    public static IEstimator<ITransformer> FeaturizeText(MLContext context) =>
        context.Transforms.Text.FeaturizeText("Features", nameof(Document.Text));

    private static IEstimator<ITransformer> HashedNgrams(MLContext context) =>
        context.Transforms.Text.ProduceHashedWordBags("Features", nameof(Document.Text), numberOfBits: 16, ngramLength: 2);

    private static Finding Find(string name, int documents, int words, Func<MLContext, IEstimator<ITransformer>> features)
    {
        (ExampleSet training, ExampleSet test) = SparseSets.Featurized(SparseSets.Documents(documents, words, seed: 1), features);
        Figures figures = Contenders.Fit(training, peerFeatures: PeerFeatures.Raw).Measure(fit => fit.RSquared(test));
        double reference = figures.Sdca ?? double.NaN;
        return new Finding($"{name}, {training.FeatureCount} columns", "test R²", figures, Goal.AtLeast(reference - 0.1, reference - 0.02));
    }
}
