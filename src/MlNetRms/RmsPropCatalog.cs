using MlNetRms;
using MlNetRms.MlNet;

// In ML.NET's namespace, so that the methods appear beside its own trainers.
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
    /// <param name="learningRate">Learning rate before the schedule; finite, greater than 0.</param>
    /// <param name="numberOfEpochs">Passes over the data; at least 1, or null for enough to make at least 2000 steps.</param>
    /// <param name="batchSize">Rows averaged into one gradient; at least 1.</param>
    /// <returns>The trainer.</returns>
    /// <exception cref="System.ArgumentException">An argument is out of its range (<see cref="System.ArgumentOutOfRangeException"/>) or null.</exception>
    public static RmsPropRegressionTrainer RmsProp(this RegressionCatalog.RegressionTrainers catalog,
        string labelColumnName = "Label", string featureColumnName = "Features", string? exampleWeightColumnName = null,
        float learningRate = 0.03f, int? numberOfEpochs = null, int batchSize = 256) =>
        catalog.RmsProp(new RmsPropRegressionTrainer.Options
        {
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            LearningRate = learningRate,
            NumberOfEpochs = numberOfEpochs,
            BatchSize = batchSize,
        });

    /// <summary>Creates a <see cref="RmsPropRegressionTrainer"/> with all its options.</summary>
    /// <param name="catalog">The regression trainers.</param>
    /// <param name="options">The options; a copy is taken.</param>
    /// <returns>The trainer.</returns>
    /// <exception cref="System.ArgumentNullException">An argument is null.</exception>
    /// <exception cref="System.ArgumentException">An option is out of its range (<see cref="System.ArgumentOutOfRangeException"/>) or excludes another.</exception>
    public static RmsPropRegressionTrainer RmsProp(this RegressionCatalog.RegressionTrainers catalog, RmsPropRegressionTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new RmsPropRegressionTrainer(MlNetInternals.EnvironmentOf(catalog), options);
    }
}
