using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using MlNetRms;
using MlNetRms.Host;

// In ML.NET's namespace, so that the methods appear beside its own.
#pragma warning disable IDE0130
namespace Microsoft.ML;
#pragma warning restore IDE0130

/// <summary>Adds <c>RmsProp</c> to <c>mlContext.Regression.Trainers</c>.</summary>
public static class RmsPropCatalog
{
    /// <summary>Creates a <see cref="RmsPropRegressionTrainer"/>, which trains a linear regression by mini-batch RMSProp.</summary>
    /// <param name="catalog">The regression trainers.</param>
    /// <param name="labelColumnName">Name of the label column, a <see cref="float"/>.</param>
    /// <param name="featureColumnName">Name of the feature column, a vector of <see cref="float"/> of known size; raw units are fine.</param>
    /// <param name="exampleWeightColumnName">Name of the column of example weights, a <see cref="float"/> above 0; null for none.</param>
    /// <param name="lossFunction">The loss of one row; null for ½·(ŷ − y)². See <see cref="RmsPropRegressionTrainer.Options.LossFunction"/>.</param>
    /// <param name="learningRate">Learning rate before the schedule; finite, greater than 0.</param>
    /// <param name="l2Regularization">λ of the penalty ½·λ·‖w‖²; finite, at least 0, or null for none unless the features outnumber half of the
    /// rows. See <see cref="RmsPropRegressionTrainer.Options.L2Regularization"/>.</param>
    /// <param name="numberOfEpochs">Passes over the data; at least 1, or null for enough to make at least 2000 steps.</param>
    /// <param name="batchSize">Rows averaged into one gradient; at least 1.</param>
    /// <returns>The trainer.</returns>
    /// <exception cref="System.ArgumentNullException">A name that is needed is null.</exception>
    /// <exception cref="System.ArgumentException">A name is empty, or the loss is not for this model.</exception>
    /// <exception cref="System.ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <example>
    /// <code>
    /// using Microsoft.ML;
    /// using MlNetRms;
    ///
    /// var ml = new MLContext(seed: 1);
    /// var rows = Enumerable.Range(0, 500).Select(i =&gt; new House(40 + i % 90, i % 7, 1000 * (i % 90) + 50 * (i % 11)));
    /// var split = ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(rows), testFraction: 0.2);
    ///
    /// var pipeline = ml.Transforms.Concatenate("Features", "Area", "Rooms")
    ///     .Append(ml.Regression.Trainers.RmsProp(labelColumnName: "Price"));
    /// var model = pipeline.Fit(split.TrainSet);
    ///
    /// Console.WriteLine(model.LastTransformer.GetCoefficients());
    /// Console.WriteLine(ml.Regression.Evaluate(model.Transform(split.TestSet), "Price").RSquared);
    ///
    /// record House(float Area, float Rooms, float Price);
    /// </code>
    /// </example>
    public static RmsPropRegressionTrainer RmsProp(this RegressionCatalog.RegressionTrainers catalog,
        string labelColumnName = "Label", string featureColumnName = "Features", string? exampleWeightColumnName = null,
        IRegressionLoss? lossFunction = null, float learningRate = 0.03f, float? l2Regularization = null, int? numberOfEpochs = null,
        int batchSize = 256)
    {
        var options = new RmsPropRegressionTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            LossFunction = lossFunction,
            LearningRate = learningRate,
            L2Regularization = l2Regularization,
            NumberOfEpochs = numberOfEpochs,
            BatchSize = batchSize,
        };
        OptionTable.CheckArguments(options);
        return catalog.RmsProp(options);
    }

    /// <summary>Creates a <see cref="RmsPropRegressionTrainer"/> with all its options.</summary>
    /// <param name="catalog">The regression trainers.</param>
    /// <param name="options">The options; a copy is taken.</param>
    /// <returns>The trainer.</returns>
    /// <exception cref="System.ArgumentNullException">An argument, or an option that is needed, is null.</exception>
    /// <exception cref="System.ArgumentException">An option is out of its range (<see cref="System.ArgumentOutOfRangeException"/>) or excludes
    /// another.</exception>
    /// <inheritdoc cref="RmsPropRegressionTrainer.Options" path="/example"/>
    public static RmsPropRegressionTrainer RmsProp(this RegressionCatalog.RegressionTrainers catalog, RmsPropRegressionTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new RmsPropRegressionTrainer(MlNetInternals.EnvironmentOf(catalog), options);
    }

    /// <summary>
    /// Permutation feature importance of a fitted pipeline that ends with our transformer. It calls ML.NET's own method, which looks for ML.NET's own
    /// transformers, with <see cref="RmsPropModelExtensions.ToNative(ITransformer)"/>. A pipeline typed <see cref="ITransformer"/> needs an explicit
    /// call of that.
    /// </summary>
    /// <param name="catalog">The regression catalog.</param>
    /// <param name="model">The fitted pipeline.</param>
    /// <param name="data">The rows to evaluate on, with the feature column: data that the pipeline has transformed.</param>
    /// <param name="labelColumnName">Name of the label column, a <see cref="float"/>.</param>
    /// <param name="useFeatureWeightFilter">Whether features of weight 0 are left out.</param>
    /// <param name="numberOfExamplesToUse">Most rows to use; null for all.</param>
    /// <param name="permutationCount">Permutations of each feature.</param>
    /// <returns>By feature, how much each metric changes when its values are permuted.</returns>
    /// <exception cref="System.ArgumentNullException">An argument is null.</exception>
    /// <example>
    /// <code>
    /// using Microsoft.ML;
    /// using MlNetRms;
    ///
    /// var ml = new MLContext(seed: 1);
    /// var houses = Enumerable.Range(0, 500).Select(i =&gt; new House(40 + i % 90, i % 7, 1000 * (i % 90) + 50 * (i % 11)));
    /// var rows = ml.Data.LoadFromEnumerable(houses);
    /// var model = ml.Transforms.Concatenate("Features", "Area", "Rooms").Append(ml.Regression.Trainers.RmsProp("Price")).Fit(rows);
    ///
    /// var importance = ml.Regression.PermutationFeatureImportance(model, model.Transform(rows), "Price");
    /// foreach (var (feature, metrics) in importance)
    ///     Console.WriteLine($"{feature}: R² {metrics.RSquared.Mean:f3}");
    ///
    /// record House(float Area, float Rooms, float Price);
    /// </code>
    /// </example>
    public static ImmutableDictionary<string, RegressionMetricsStatistics> PermutationFeatureImportance(this RegressionCatalog catalog,
        TransformerChain<RmsPropRegressionTransformer> model, IDataView data, string labelColumnName = "Label", bool useFeatureWeightFilter = false,
        int? numberOfExamplesToUse = null, int permutationCount = 1)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ITransformer native = model.ToNative();
        return catalog.PermutationFeatureImportance(native, data, labelColumnName, useFeatureWeightFilter, numberOfExamplesToUse, permutationCount);
    }
}
