using System.Diagnostics.CodeAnalysis;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;

namespace MlNetRms;

/// <summary>
/// A trained linear regression as a step of a pipeline: adds a column "Score" with w·x + b.
/// </summary>
/// <remarks>
/// <see cref="Native"/>, ML.NET's own transformer around ML.NET's own model, does the scoring, schema, saving and
/// disposal. A saved model is therefore a plain ML.NET model: it loads without this package, as
/// <see cref="RegressionPredictionTransformer{TModel}"/>.
/// </remarks>
public sealed class RmsPropRegressionTransformer : ISingleFeaturePredictionTransformer<LinearRegressionModelParameters>, IDisposable
{
    /// <summary>The most features that <see cref="ToString"/> names.</summary>
    private const int MostTerms = 5;

    private readonly DataViewSchema.Column _features;
    private readonly StandardErrors? _standardErrors;

    internal RmsPropRegressionTransformer(LinearRegressionModelParameters model, TrainingReport training, TrainingState state,
        StandardErrors? standardErrors, IHostEnvironment environment, DataViewSchema trainSchema, string featureColumnName)
    {
        _features = trainSchema[featureColumnName];
        Training = training;
        State = state;
        _standardErrors = standardErrors;
        Native = MlNetInternals.RegressionTransformer<LinearRegressionModelParameters>.New(environment, model, trainSchema, featureColumnName);
    }

    /// <summary>Weights and bias in raw feature units.</summary>
    public LinearRegressionModelParameters Model => Native.Model;

    /// <summary>What happened during training. Not saved with the model.</summary>
    public TrainingReport Training { get; }

    /// <summary>The same model as ML.NET's own transformer, for code that accepts only that type.</summary>
    public RegressionPredictionTransformer<LinearRegressionModelParameters> Native { get; }

    /// <summary>The same model as ML.NET's own transformer, <see cref="Native"/>.</summary>
    /// <param name="transformer">The transformer, or null.</param>
    [return: NotNullIfNotNull(nameof(transformer))]
    public static implicit operator RegressionPredictionTransformer<LinearRegressionModelParameters>?(RmsPropRegressionTransformer? transformer) =>
        transformer?.Native;

    /// <summary>What a later training needs to continue this one. Saved by <see cref="SaveTraining"/>, not with the model.</summary>
    internal TrainingState State { get; }

    /// <inheritdoc/>
    public string FeatureColumnName => Native.FeatureColumnName;

    /// <inheritdoc/>
    public DataViewType FeatureColumnType => Native.FeatureColumnType;

    /// <summary>The model's weights with the names of the features, in raw units and per standard deviation of the training rows,
    /// and with standard errors where they apply (<see cref="Coefficient.StandardError"/>).</summary>
    /// <returns>A table; its <see cref="object.ToString"/> prints it.</returns>
    public CoefficientTable GetCoefficients()
    {
        ActiveFeatures columns = State.Scaling.Columns;
        return new(InputColumns.FeatureNames(_features), Model, columns.ToFeatures(State.Scaling.StandardDeviations),
            _standardErrors is null ? null : columns.ToFeatures(_standardErrors.Weights), _standardErrors?.Bias,
            Training.OptimalityGap is { } gap && gap.Share > Training.Diagnostics.Tolerance ? gap : null);
    }

    /// <summary>
    /// Saves the state of the training, so that another process can continue it after <see cref="SavedTraining.Load"/>. The file is not a model
    /// for scoring; save the model as any other ML.NET model.
    /// </summary>
    /// <param name="path">The file. An existing file is replaced once the new one has been written completely.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="IOException">The file could not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be written.</exception>
    public void SaveTraining(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        new CheckpointFile(path).Write(file => SavedContent.Exchange(file, new([], State)));
    }

    /// <inheritdoc/>
    bool ITransformer.IsRowToRowMapper => ((ITransformer)Native).IsRowToRowMapper;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Native.GetOutputSchema(inputSchema);

    /// <inheritdoc/>
    public IDataView Transform(IDataView input) => Native.Transform(input);

    /// <inheritdoc/>
    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => ((ITransformer)Native).GetRowToRowMapper(inputSchema);

    /// <inheritdoc/>
    void ICanSaveModel.Save(ModelSaveContext ctx) => ((ICanSaveModel)Native).Save(ctx);

    /// <summary>The model in a sentence, invariant culture.</summary>
    /// <returns>For example "Linear regression: Score = 12.5 + 3.1·Area − 0.2·Year, trained on 1000 rows".</returns>
    public override string ToString()
    {
        string[] names = InputColumns.FeatureNames(_features);
        IEnumerable<string> terms = Model.Weights.Take(MostTerms).Select((weight, i) =>
            FormattableString.Invariant($" {(weight < 0 ? '−' : '+')} {Math.Abs(weight):g4}·{names[i]}"));
        string rest = names.Length > MostTerms ? FormattableString.Invariant($" + … ({names.Length} features)") : "";
        return FormattableString.Invariant(
            $"Linear regression: Score = {Model.Bias:g4}{string.Concat(terms)}{rest}, trained on {Training.RowsUsed} rows");
    }

    /// <summary>Releases the resources of the native transformer.</summary>
    public void Dispose() => Native.Dispose();
}
