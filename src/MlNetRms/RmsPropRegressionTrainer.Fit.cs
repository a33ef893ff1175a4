using Microsoft.ML;
using Microsoft.ML.Trainers;
using MlNetRms.Solver;

namespace MlNetRms;

public sealed partial class RmsPropRegressionTrainer
{
    /// <summary>Trains a model.</summary>
    /// <param name="input">The training rows.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentNullException">An argument that must not be null is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has the wrong type.</exception>
    /// <exception cref="InvalidOperationException">No row can be used, a row has another number of features than the column, training diverged, early
    /// stopping has no validation rows, or <see cref="Options.Checkpoint"/> belongs to another training; the message then says how they
    /// differ.</exception>
    /// <exception cref="OperationCanceledException">The token passed here or <see cref="Options.CancellationToken"/> was cancelled, or the context's
    /// execution (<c>MLContext.CancelExecution</c>). If the checkpoint could then not be written, the inner exception says why.</exception>
    /// <exception cref="InvalidDataException">The file of the checkpoint is damaged, of a newer version, or no checkpoint.</exception>
    /// <exception cref="IOException">The checkpoint cannot be read or written (an earlier one is then unchanged), or the temporary file for rows
    /// cannot grow.</exception>
    public RmsPropRegressionTransformer Fit(IDataView input) =>
        FitView(input, nameof(input), validationData: null, start: default, CancellationToken.None);

    /// <summary>Trains a model, unless it is cancelled.</summary>
    /// <param name="trainData">The training rows.</param>
    /// <param name="cancellationToken">Ends this training, as <see cref="Options.CancellationToken"/> ends every training of this trainer.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public RmsPropRegressionTransformer Fit(IDataView trainData, CancellationToken cancellationToken) =>
        Fit(trainData, validationData: null, modelParameters: null, cancellationToken);

    /// <summary>Trains a model and evaluates each epoch on validation rows.</summary>
    /// <param name="trainData">The training rows.</param>
    /// <param name="validationData">The validation rows, with the same columns.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <inheritdoc cref="Fit(IDataView, IDataView, LinearModelParameters, CancellationToken)" path="/exception"/>
    public RmsPropRegressionTransformer Fit(IDataView trainData, IDataView validationData)
    {
        ArgumentNullException.ThrowIfNull(validationData);
        return Fit(trainData, validationData, modelParameters: null);
    }

    /// <summary>Trains a model starting from an existing model's weights.</summary>
    /// <param name="trainData">The training rows.</param>
    /// <param name="modelParameters">Any linear model of ML.NET for the same features; weights in raw units.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <inheritdoc cref="Fit(IDataView, IDataView, LinearModelParameters, CancellationToken)" path="/exception"/>
    /// <inheritdoc cref="Fit(IDataView, IDataView, LinearModelParameters, CancellationToken)" path="/remarks"/>
    public RmsPropRegressionTransformer Fit(IDataView trainData, LinearModelParameters modelParameters)
    {
        ArgumentNullException.ThrowIfNull(modelParameters);
        return Fit(trainData, validationData: null, modelParameters);
    }

    /// <summary>Trains a model with every optional argument.</summary>
    /// <param name="trainData">The training rows.</param>
    /// <param name="validationData">Validation rows with the same columns, on which each epoch is evaluated; or null for those of the
    /// options.</param>
    /// <param name="modelParameters">Any linear model of ML.NET for the same features, weights in raw units, to start from; or null.</param>
    /// <param name="cancellationToken">Ends this training.</param>
    /// <returns>The model as a transformer, with the report of its training.</returns>
    /// <exception cref="ArgumentException">The number of weights differs from the number of features.</exception>
    /// <exception cref="InvalidOperationException">The options give validation rows too.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    /// <remarks>With the default learning rate the first steps move far; lower it to stay near the given weights.</remarks>
    public RmsPropRegressionTransformer Fit(IDataView trainData, IDataView? validationData = null, LinearModelParameters? modelParameters = null,
        CancellationToken cancellationToken = default) =>
        FitView(trainData, nameof(trainData), validationData,
            modelParameters is null ? default : new TrainingStart((modelParameters.Weights, modelParameters.Bias), Previous: null),
            cancellationToken);

    /// <summary>
    /// Continues a previous training run: its last weights, the optimiser's state, its standardisation, and its count of epochs.
    /// On the same rows with the same options, two trainings of one epoch at a constant rate are one training of two epochs,
    /// bit for bit.
    /// </summary>
    /// <param name="trainData">The training rows, the same or others with the same features.</param>
    /// <param name="previous">What an earlier <c>Fit</c> returned; not changed.</param>
    /// <returns>The model as a transformer, with the report of this part of its training.</returns>
    /// <exception cref="ArgumentException">The number of weights differs from the number of features, or an option differs that gives the
    /// state its meaning: the form and constants of the update rule, penalties, loss, standardisation, shuffling, seed. The message names
    /// it.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    /// <remarks>
    /// <para>
    /// The learning rate schedule restarts, over the steps of this <c>Fit</c>, and so does the average of the weights. At a constant
    /// rate the average covers the last <see cref="Options.AveragedFraction"/> of all steps, as far as this <c>Fit</c> took them.
    /// The learning rate follows the length of these rows. An automatic <see cref="Options.L2Regularization"/> is the smaller of that of these rows
    /// and that of the previous training.
    /// </para>
    /// <para>
    /// A label or a feature that was constant until now gets its scale from these rows, and features whose correlation differs strongly
    /// get new decorrelated coordinates. The optimiser's state is then reset and only the weights are kept, because the state no longer
    /// describes the size of the gradients. If the weights predict worse than the mean of the label, they are reset too.
    /// </para>
    /// </remarks>
    public RmsPropRegressionTransformer Fit(IDataView trainData, RmsPropRegressionTransformer previous) =>
        Fit(trainData, previous, CancellationToken.None);

    /// <inheritdoc cref="Fit(IDataView, RmsPropRegressionTransformer)"/>
    /// <param name="trainData">The training rows, the same or others with the same features.</param>
    /// <param name="previous">What an earlier <c>Fit</c> returned; not changed.</param>
    /// <param name="cancellationToken">Ends this training.</param>
    public RmsPropRegressionTransformer Fit(IDataView trainData, RmsPropRegressionTransformer previous, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return FitView(trainData, nameof(trainData), validationData: null, new TrainingStart(Model: null, previous.State), cancellationToken);
    }

    /// <summary>
    /// Continues a training run of another process: the same as <see cref="Fit(IDataView, RmsPropRegressionTransformer)"/> with what
    /// <see cref="RmsPropRegressionTransformer.SaveTraining"/> saved.
    /// </summary>
    /// <inheritdoc cref="Fit(IDataView, RmsPropRegressionTransformer, CancellationToken)"/>
    public RmsPropRegressionTransformer Fit(IDataView trainData, SavedTraining previous) => Fit(trainData, previous, CancellationToken.None);

    /// <inheritdoc cref="Fit(IDataView, SavedTraining)"/>
    public RmsPropRegressionTransformer Fit(IDataView trainData, SavedTraining previous, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return FitView(trainData, nameof(trainData), validationData: null, new TrainingStart(Model: null, previous.State), cancellationToken);
    }

    /// <summary>
    /// Trains one model on rows that come in parts, such as one view for each of many files. Each process of a job
    /// (<see cref="Options.Collective"/>) gives parts of its own. The parts of all processes, in the order of the ranks, and the seed decide
    /// the model, bit for bit, whichever process has which part.
    /// </summary>
    /// <param name="parts">This process's parts of the training rows, of one schema; at least one. A part may be empty if not all are.</param>
    /// <param name="validationParts">This process's parts of the validation rows, or null; in all processes or in none.</param>
    /// <param name="previous">What an earlier <c>Fit</c> returned, which this training continues; or null. The same in all processes.</param>
    /// <param name="cancellationToken">Ends this training, in all processes.</param>
    /// <returns>The model as a transformer, with the report of its training; the same in all processes, except for times and threads.</returns>
    /// <remarks>
    /// <para>
    /// Every mini-batch takes its share of each part, so rows need not be distributed over the parts at random. Parts may differ in length.
    /// The other forms of <c>Fit</c> make one part of the rows of each process.
    /// </para>
    /// <para>
    /// It ends in all processes with a model, or in all with an exception. If one fails or is cancelled, the others throw at the same step or, if
    /// that happens while rows are read, after each process has read its own rows.
    /// </para>
    /// <para>
    /// In a pipeline, the transforms before the trainer see the rows of their own process only. Fit those that learn from rows (normalizers,
    /// dictionaries) once, and give all processes the result.
    /// </para>
    /// <para>
    /// Every step changes the weights of all features that are mostly zero, not only of those with a value in the batch: with very many such features
    /// a single part is faster.
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentNullException">A part is null.</exception>
    /// <exception cref="InvalidOperationException">A process has no part or has failed, or the processes differ in their options or features; the
    /// message names the first difference, with both values.</exception>
    /// <inheritdoc cref="Fit(IDataView)" path="/exception"/>
    public RmsPropRegressionTransformer FitParts(IReadOnlyList<IDataView> parts, IReadOnlyList<IDataView>? validationParts = null,
        RmsPropRegressionTransformer? previous = null, CancellationToken cancellationToken = default) =>
        FitViews(parts, nameof(parts), validationParts, new TrainingStart(Model: null, previous?.State), cancellationToken);

    /// <summary>Continues a training of another job: the same with what <see cref="RmsPropRegressionTransformer.SaveTraining"/> saved.</summary>
    /// <inheritdoc cref="FitParts(IReadOnlyList{IDataView}, IReadOnlyList{IDataView}, RmsPropRegressionTransformer, CancellationToken)"/>
    public RmsPropRegressionTransformer FitParts(IReadOnlyList<IDataView> parts, SavedTraining previous, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return FitViews(parts, nameof(parts), validationData: null, new TrainingStart(Model: null, previous.State), cancellationToken);
    }

    private RmsPropRegressionTransformer FitView(IDataView view, string parameter, IDataView? validationData, TrainingStart start,
        CancellationToken cancellationToken) =>
        FitViews([view], parameter, validationData is null ? null : [validationData], start, cancellationToken);

    /// <summary>Called by every form of <c>Fit</c>: checks the arguments, and ends the training if either token is cancelled.</summary>
    private RmsPropRegressionTransformer FitViews(IReadOnlyList<IDataView> parts, string parameter, IReadOnlyList<IDataView>? validationData,
        TrainingStart start, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(parts, parameter);
        foreach (IDataView part in parts)
            ArgumentNullException.ThrowIfNull(part, parameter);
        if (validationData is not null && (_options.ValidationFraction > 0 || _options.ValidationSet is not null))
            throw new InvalidOperationException(
                "Validation rows are given twice: as an argument of Fit, and by the option " +
                $"{(_options.ValidationSet is null ? nameof(Options.ValidationFraction) : nameof(Options.ValidationSet))}. Give them once.");
        IReadOnlyList<IDataView>? validation = validationData ?? (_options.ValidationSet is { } set ? [set] : null);
        CancellationToken option = _options.CancellationToken;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(option, cancellationToken);
        try
        {
            return TrainInJob(new TrainingInput(parts, parameter, validation, start, either.Token));
        }
        catch (OperationCanceledException cancelled) when (cancelled.CancellationToken == either.Token)
        {
            throw new OperationCanceledException(cancelled.Message, cancelled.InnerException ?? cancelled,
                cancellationToken.IsCancellationRequested ? cancellationToken : option);
        }
    }

    /// <summary>The input of a training, apart from the options.</summary>
    /// <param name="Parts">This process's parts of the training rows.</param>
    /// <param name="Parameter">What the caller's parameter for them is called.</param>
    /// <param name="Validation">Its parts of the validation rows, or null.</param>
    /// <param name="Start">Where to begin.</param>
    /// <param name="Cancellation">Ends the training.</param>
    private sealed record TrainingInput(IReadOnlyList<IDataView> Parts, string Parameter, IReadOnlyList<IDataView>? Validation, TrainingStart Start,
        CancellationToken Cancellation);
}
