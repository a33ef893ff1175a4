using System.Collections.Concurrent;
using System.Diagnostics;
using System.Numerics;
using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Solver;

/// <summary>
/// Saves a training while it runs, and continues one that was saved. Until it is disposed of, no other may use its path. In a job the first process
/// does so; the others, which all have the same state, get from it what it found.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> _inUse = new();

    private readonly CheckpointSettings _settings;
    private readonly Job _job;
    private readonly CheckpointFile _file;
    private SavedContent? _found;
    private IReadOnlyList<(string Name, string Value)> _conditions = [];
    private TrainingRun? _run;
    private long _lastTime;

    /// <param name="settings">Where and how often.</param>
    /// <param name="conditions">What is known of the training before its rows.</param>
    /// <param name="job">The processes.</param>
    /// <param name="create">Opens a file for writing; tests give one that fails.</param>
    /// <exception cref="InvalidOperationException">The checkpoint there is of another training, or another one is writing to it.</exception>
    /// <exception cref="InvalidDataException">The file there is damaged, of a newer version, or no checkpoint.</exception>
    /// <exception cref="IOException">The file cannot be read, or none written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same for want of rights.</exception>
    public Checkpoint(CheckpointSettings settings, IReadOnlyList<(string Name, string Value)> conditions, Job job, Func<string, Stream>? create)
    {
        _settings = settings;
        _job = job;
        _file = new CheckpointFile(settings.Path, create);
        if (!HasFile)
            return;
        if (!_inUse.TryAdd(settings.Path, true))
            throw new InvalidOperationException($"Another training writes to the checkpoint '{settings.Path}' at this moment. Give each a path of its own.");
        try
        {
            if (_file.Exists)
                _found = _file.Read(SavedContent.Read);
            Add(conditions);
            // Rather now than after hours.
            _file.CheckWritable();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path => _settings.Path;

    /// <summary>Whether the file stays when training is finished.</summary>
    public bool IsKept => _settings.Keep;

    /// <summary>Whether this is the process that reads and writes the file.</summary>
    private bool HasFile => _job.Rank == 0;

    /// <summary>Starts the clock of a run and, where there was a checkpoint, takes the run to where that was written.</summary>
    /// <param name="run">The run, at its beginning.</param>
    /// <param name="conditions">What is now known besides.</param>
    /// <returns>Where the run is; null at its beginning.</returns>
    /// <exception cref="InvalidOperationException">The checkpoint is of another training.</exception>
    public TrainingState? Begin(TrainingRun run, IReadOnlyList<(string Name, string Value)> conditions)
    {
        Add(conditions);
        TrainingState? found = Shared(_found?.State);
        if (found is not null)
            run.Resume(found);
        _found = null;
        _run = run;
        _lastTime = Stopwatch.GetTimestamp();
        return found;
    }

    /// <summary>Saves the run if it is time.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public void BetweenSteps()
    {
        if (Stopwatch.GetElapsedTime(_lastTime) >= _settings.Interval)
            Write();
    }

    /// <summary>Saves the run if so many epochs are done.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public void AfterEpoch(int epoch)
    {
        if (epoch % _settings.EveryEpochs == 0)
            Write();
    }

    /// <summary>Saves the run.</summary>
    /// <exception cref="IOException">The file could not be written; the one before is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The same for want of rights.</exception>
    public void Write()
    {
        if (_run is null || !HasFile)
            return;
        _file.Write(new SavedContent(_conditions, _run.Save()).Write);
        _lastTime = Stopwatch.GetTimestamp();
    }

    /// <summary>The training is finished.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public void End()
    {
        if (_settings.Keep)
            Write();
        else if (HasFile)
            _file.Delete();
    }

    public void Dispose()
    {
        if (HasFile)
            _inUse.TryRemove(_settings.Path, out _);
    }

    /// <summary>What the first process found.</summary>
    private TrainingState? Shared(TrainingState? own)
    {
        if (_job.Size == 1)
            return own;
        using var written = new MemoryStream();
        using (var writer = new BinaryWriter(written))
            own?.Write(writer);
        byte[] bytes = _job.OfFirst(written.ToArray());
        if (bytes is [] || HasFile)
            return own;
        using var reader = new CheckpointReader(new MemoryStream(bytes), bytes.Length);
        return TrainingState.Read(reader);
    }

    private void Add(IReadOnlyList<(string Name, string Value)> conditions)
    {
        IReadOnlyList<(string Name, string Value)> all = [.. _conditions, .. conditions];
        _conditions = all;
        if (_found is null)
            return;
        if (_found.Conditions is [])
            throw new InvalidOperationException($"'{_settings.Path}' is a saved training, not the checkpoint of one. Name another path, " +
                $"or pass it to Fit to continue it ({nameof(SavedTraining)}.{nameof(SavedTraining.Load)}).");
        for (int i = 0; i < all.Count; i++)
        {
            (string name, string now) = all[i];
            string before = i < _found.Conditions.Count && _found.Conditions[i].Name == name ? _found.Conditions[i].Value : "not known";
            if (now != before)
                throw new InvalidOperationException($"The checkpoint '{_settings.Path}' is of another training: {name} was {before}, and is {now} now. " +
                    "Train with what it was written with, name another path, or delete it to train from the start.");
        }
    }
}

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
        ("the decorrelated coordinates", run.Coordinates.Transform is { } transform
            ? ContentHash.Of(writer => Whitening.Exchange(Archive.ToWrite(writer.BaseStream), transform, rows.Layout.DenseCount)) : "none"),
    ];

    private static string IsSet(bool isSet) => isSet ? "set" : "null";
}
