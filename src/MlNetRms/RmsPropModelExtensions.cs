using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.MlNet;

namespace MlNetRms;

/// <summary>Turns fitted pipelines into ones made of ML.NET's own transformers only.</summary>
public static class RmsPropModelExtensions
{
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
            IEnumerable<ITransformer> chain when IsChain(model) && chain.Any(transformer => transformer.ToNative() != transformer) =>
                Replace<ITransformer>(model, chain),
            _ => model,
        };
    }

    /// <inheritdoc cref="ToNative(ITransformer)"/>
    public static TransformerChain<RegressionPredictionTransformer<LinearRegressionModelParameters>> ToNative(
        this TransformerChain<RmsPropRegressionTransformer> model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Replace<RegressionPredictionTransformer<LinearRegressionModelParameters>>(model, model);
    }

    private static bool IsChain(ITransformer model) =>
        model.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(TransformerChain<>);

    private static TransformerChain<TLast> Replace<TLast>(ITransformer chain, IEnumerable<ITransformer> transformers) where TLast : class, ITransformer =>
        new(transformers.Select(transformer => transformer.ToNative()), MlNetInternals.ScopesOf(chain));
}
