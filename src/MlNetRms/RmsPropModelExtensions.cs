using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace MlNetRms;

/// <summary>Turns fitted pipelines into ones made of ML.NET's own transformers only.</summary>
public static class RmsPropModelExtensions
{
    private static readonly TransformerScope[] _singleScopes = [TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring];

    /// <summary>
    /// The same model with <see cref="RmsPropRegressionTransformer.Native"/> in place of each
    /// <see cref="RmsPropRegressionTransformer"/>, in chains within chains too. Needed only for what looks for ML.NET's own
    /// types, such as <c>PermutationFeatureImportance(ITransformer, …)</c> on a whole chain.
    /// </summary>
    /// <param name="model">A fitted pipeline or transformer; it is not changed.</param>
    /// <returns>The model as ML.NET would have built it; <paramref name="model"/> itself if there is nothing to replace.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    public static ITransformer ToNative(this ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model switch
        {
            RmsPropRegressionTransformer trained => trained.Native,
            TransformerChain<RmsPropRegressionTransformer> chain => chain.ToNative(),
            TransformerChain<ITransformer> chain => Replace<ITransformer, ITransformer>(chain),
            _ => model,
        };
    }

    /// <inheritdoc cref="ToNative(ITransformer)"/>
    public static TransformerChain<RegressionPredictionTransformer<LinearRegressionModelParameters>> ToNative(
        this TransformerChain<RmsPropRegressionTransformer> model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Replace<RmsPropRegressionTransformer, RegressionPredictionTransformer<LinearRegressionModelParameters>>(model);
    }

    private static TransformerChain<TNative> Replace<TLast, TNative>(TransformerChain<TLast> chain)
        where TLast : class, ITransformer
        where TNative : class, ITransformer
    {
        var scopes = new Dictionary<ITransformer, TransformerScope>(ReferenceEqualityComparer.Instance);
        foreach (TransformerScope scope in _singleScopes)
        {
            foreach (ITransformer transformer in chain.GetModelFor(scope))
                scopes[transformer] = scopes.GetValueOrDefault(transformer) | scope;
        }
        return new TransformerChain<TNative>(chain.Select(transformer => transformer.ToNative()), chain.Select(transformer => scopes[transformer]));
    }
}
