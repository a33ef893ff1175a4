using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms;

/// <summary>Extensions of ML.NET's linear models and fitted pipelines.</summary>
public static class RmsPropModelExtensions
{
    /// <summary>The weights of any linear model, trained or loaded, with the names of the features.</summary>
    /// <param name="model">The model.</param>
    /// <param name="schema">A schema with the feature column, such as that of the transformed data.</param>
    /// <param name="featureColumnName">Name of the feature column.</param>
    /// <returns>A table; its <see cref="object.ToString"/> prints it.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The schema has no such column, or the column's length is not the number of weights.</exception>
    public static CoefficientTable GetCoefficients(this LinearModelParameters model, DataViewSchema schema, string featureColumnName = "Features")
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(featureColumnName);
        if (schema.GetColumnOrNull(featureColumnName) is not { } column)
            throw new ArgumentException($"Could not find feature column '{featureColumnName}'.", nameof(schema));
        int? length = (column.Type as VectorDataViewType)?.Size;
        if (length != model.Weights.Count)
            throw new ArgumentException(
                $"The model has {model.Weights.Count} weights, but feature column '{featureColumnName}' is of type {column.Type}.", nameof(schema));
        return new CoefficientTable(InputColumns.FeatureNames(column), model, standardDeviations: null);
    }

    /// <summary>The weights of the linear model in a fitted or loaded pipeline, with the names of the features. If there are several models, the last one.</summary>
    /// <param name="model">The pipeline, or a prediction transformer alone.</param>
    /// <param name="schema">The schema of the data that the pipeline takes, as <c>mlContext.Model.Load</c> returns it.</param>
    /// <returns>A table; its <see cref="object.ToString"/> prints it.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The pipeline has no linear model.</exception>
    public static CoefficientTable GetCoefficients(this ITransformer model, DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(schema);
        CoefficientTable? last = null;
        foreach (ITransformer transformer in Flatten(model))
        {
            if (transformer is RmsPropRegressionTransformer trained)
                last = trained.GetCoefficients();
            else if (transformer is ISingleFeaturePredictionTransformer<object> { Model: LinearModelParameters linear } predictor)
                last = linear.GetCoefficients(schema, predictor.FeatureColumnName);
            schema = transformer.GetOutputSchema(schema);
        }
        return last ?? throw new ArgumentException("The pipeline has no linear model.", nameof(model));
    }

    /// <summary>
    /// The same model with <see cref="RmsPropRegressionTransformer.Native"/> in place of each
    /// <see cref="RmsPropRegressionTransformer"/>, also in nested chains. Needed only for code that looks for ML.NET's own
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

    private static IEnumerable<ITransformer> Flatten(ITransformer model) =>
        model is IEnumerable<ITransformer> chain && IsChain(model) ? chain.SelectMany(Flatten) : [model];

    private static bool IsChain(ITransformer model) =>
        model.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(TransformerChain<>);

    private static TransformerChain<TLast> Replace<TLast>(ITransformer chain, IEnumerable<ITransformer> transformers) where TLast : class, ITransformer =>
        new(transformers.Select(transformer => transformer.ToNative()), MlNetInternals.ScopesOf(chain));
}
