using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

#pragma warning disable RS0030 // The one file with accessors.

namespace MlNetRms.Host;

/// <summary>
/// The non-public ML.NET members that the trainer needs. No other file uses a non-public member. A test calls each of them, so that it
/// names a member that a new version of ML.NET has moved.
/// </summary>
internal static class MlNetInternals
{
    public static IHostEnvironment EnvironmentOf(TrainCatalogBase.CatalogInstantiatorBase catalog) => Environment(Owner(catalog));

    /// <summary>The seed of a context, or null if it has none.</summary>
    /// <param name="environment">The environment of a context.</param>
    public static int? SeedOf(IHostEnvironment environment) => Seed(environment);

    /// <summary>Throws if the execution of the host's context was cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void CheckAlive(IHostEnvironment host) => CheckAlive(null, host);

    public static TrainerInfo NewTrainerInfo(bool needNormalization, bool wantCaching) =>
        TrainerInfo(needNormalization, calibration: false, wantCaching, supportValid: false, supportIncrementalTrain: false, supportTest: false);

    public static LinearRegressionModelParameters NewLinearModel(IHostEnvironment environment, float[] weights, float bias) =>
        LinearModel(environment, new VBuffer<float>(weights.Length, weights), bias);

    /// <summary>The score of a row, with the arithmetic that the model's transformer uses.</summary>
    public static float Score(LinearModelParameters model, in VBuffer<float> row) => ScoreOf(model, row);

    public static SchemaShape.Column NewColumn(string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey,
        SchemaShape? annotations = null) =>
        Column(name, kind, itemType, isKey, annotations);

    /// <summary>The scopes of a chain's transformers.</summary>
    /// <param name="chain">A <see cref="TransformerChain{TLastTransformer}"/> with any last transformer.</param>
    public static TransformerScope[] ScopesOf(ITransformer chain) => Scopes(chain);

    public static SchemaShape ShapeOf(DataViewSchema schema) => Create(null, schema);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Owner")]
    private static extern TrainCatalogBase Owner(TrainCatalogBase.CatalogInstantiatorBase catalog);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Environment")]
    private static extern IHostEnvironment Environment(TrainCatalogBase catalog);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Seed")]
    private static extern int? Seed([UnsafeAccessorType("Microsoft.ML.Runtime.IHostEnvironmentInternal, Microsoft.ML.Core")] object environment);

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "CheckAlive")]
    private static extern void CheckAlive(
        [UnsafeAccessorType("Microsoft.ML.Runtime.Contracts, Microsoft.ML.Core")] object? contracts, IHostEnvironment host);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern TrainerInfo TrainerInfo(bool normalization, bool calibration, bool caching, bool supportValid,
        bool supportIncrementalTrain, bool supportTest);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern LinearRegressionModelParameters LinearModel(IHostEnvironment env, in VBuffer<float> weights, float bias);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "Score")]
    private static extern float ScoreOf(LinearModelParameters model, in VBuffer<float> row);

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern SchemaShape.Column Column(string name, SchemaShape.Column.VectorKind vecKind, DataViewType itemType, bool isKey,
        SchemaShape? annotations);

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod, Name = "Create")]
    private static extern SchemaShape Create(SchemaShape? type, DataViewSchema schema);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Scopes")]
    private static extern TransformerScope[] Scopes(
        [UnsafeAccessorType("Microsoft.ML.Data.ITransformerChainAccessor, Microsoft.ML.Data")] object chain);

    /// <summary>The accessor for a generic class must itself be a generic class with the same constraint.</summary>
    public static class RegressionTransformer<TModel> where TModel : class
    {
        public static RegressionPredictionTransformer<TModel> New(IHostEnvironment environment, TModel model, DataViewSchema inputSchema,
            string featureColumn) => Constructor(environment, model, inputSchema, featureColumn);

        [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
        private static extern RegressionPredictionTransformer<TModel> Constructor(IHostEnvironment env, TModel model,
            DataViewSchema inputSchema, string featureColumn);
    }
}
