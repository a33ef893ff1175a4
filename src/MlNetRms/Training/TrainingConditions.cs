using System.Numerics;
using MlNetRms.Checkpoints;
using MlNetRms.Data;
using MlNetRms.Settings;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Training;

/// <summary>All that the bits of a training depend on, by name: where one of them differs, it is another training.</summary>
internal static class TrainingConditions
{
    /// <summary>The options. Known before the rows are read.</summary>
    /// <remarks>A callback can end a training, so that the average is kept ready.</remarks>
    public static IReadOnlyList<(string Name, string Value)> Of(int featureCount, TrainingSettings settings) =>
    [
        ("the number of features", TrainingIdentity.Text(featureCount)),
        .. TrainingIdentity.Of(featureCount, settings).Values().Select(option => (option.Option, TrainingIdentity.Text(option.Value))),
        (nameof(Options.ExampleWeightColumnName), IsSet(settings.Columns.Weight is not null)),
        (nameof(Options.LearningRate), TrainingIdentity.Text(settings.LearningRate.Initial)),
        (nameof(Options.LearningRateSchedule), settings.LearningRate.Schedule.Name),
        (nameof(Options.BatchSize), TrainingIdentity.Text(settings.Plan.BatchSize)),
        (nameof(Options.NumberOfEpochs), TrainingIdentity.Text(settings.Plan.NumberOfEpochs)),
        (nameof(Options.AveragedFraction), TrainingIdentity.Text(settings.Plan.AveragedFraction)),
        (nameof(Options.InitialWeightsStandardDeviation), TrainingIdentity.Text(settings.Plan.InitialWeightsStandardDeviation)),
        (nameof(Options.ValidationFraction), TrainingIdentity.Text(settings.Reading.ValidationFraction)),
        ($"{nameof(Options.EarlyStopping)}.{nameof(EarlyStopping.Patience)}", TrainingIdentity.Text(settings.Stopping?.Patience)),
        ($"{nameof(Options.EarlyStopping)}.{nameof(EarlyStopping.MinimumImprovement)}", TrainingIdentity.Text(settings.Stopping?.MinimumImprovement)),
        (nameof(Options.EpochCompleted), IsSet(settings.HasEpochCallback)),
        ("the width of the machine's vectors", TrainingIdentity.Text(8 * Vector<byte>.Count)),
    ];

    /// <summary>The rows of all processes, what training starts from, and what both decide.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<(string Name, string Value)> Of(TrainingRows rows, TrainingStart start, TrainingRun run, CancellationToken cancellation) =>
    [
        ("the number of training rows", TrainingIdentity.Text(rows.Training.RowCount)),
        ("the number of parts of the training rows", TrainingIdentity.Text(rows.Training.RowCounts.Count)),
        ("the training rows", ContentHash.Of(writer =>
        {
            rows.Scaling.Write(writer);
            writer.Write(rows.Weights.Mean);
            RowContents.Write(writer, rows.Training, cancellation);
        })),
        ("the number of validation rows", TrainingIdentity.Text(rows.Validation?.RowCount ?? 0)),
        ("the validation rows", rows.Validation is { } validation ? ContentHash.Of(writer => RowContents.Write(writer, validation, cancellation)) : "none"),
        ("the model or training to start from", start.IsGiven ? ContentHash.Of(start.Write) : "none"),
        ("the number of epochs", TrainingIdentity.Text(run.Plan.NumberOfEpochs)),
        ("the number of averaged steps", TrainingIdentity.Text(run.Plan.AveragedSteps)),
        ("the learning rate in effect", TrainingIdentity.Text(run.LearningRate)),
        ("the schedule in effect", run.Schedule.Name),
        ("the L2 penalty in effect", TrainingIdentity.Text(run.L2)),
        ("the decorrelated coordinates", run.Coordinates.Transform is { } transform ? ContentHash.Of(transform.Write) : "none"),
    ];

    private static string IsSet(bool isSet) => isSet ? "set" : "null";
}
