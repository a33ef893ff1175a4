using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// Saves a training while it runs, and resumes one that was saved. Until it is disposed of, no other training can write to its path. In a job only
/// rank 0 reads and writes the file; the other processes, which have the same state, receive from it what was saved.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    private readonly CheckpointSettings _settings;
    private readonly Job _job;
    private readonly CheckpointFile _file;
    private readonly IDisposable? _lock;
    private SavedContent? _found;
    private IReadOnlyList<NamedText> _conditions = [];
    private TrainingRun? _run;
    private long _lastTime;

    /// <param name="settings">Where and how often.</param>
    /// <param name="conditions">The conditions that are known before the rows are read.</param>
    /// <param name="job">The processes.</param>
    /// <param name="create">Opens a file for writing; tests give one that fails.</param>
    /// <exception cref="InvalidOperationException">The checkpoint there belongs to another training, or another training is writing to
    /// it.</exception>
    /// <exception cref="InvalidDataException">The file there is damaged, of a newer version, or no checkpoint.</exception>
    /// <exception cref="IOException">The file cannot be read, or none can be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read or write it.</exception>
    public Checkpoint(CheckpointSettings settings, IReadOnlyList<NamedText> conditions, Job job, Func<string, Stream>? create)
    {
        _settings = settings;
        _job = job;
        _file = new CheckpointFile(settings.Path, create);
        if (!HasFile)
            return;
        _lock = _file.TryLock() ?? throw new InvalidOperationException(
            $"Another training writes to the checkpoint '{settings.Path}' at this moment. Give each a path of its own.");
        try
        {
            if (_file.Exists)
                _found = _file.Read(file => SavedContent.Exchange(file, content: null));
            Add(conditions);
            // It is better to fail now than after hours.
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

    /// <summary>Starts the clock of a run and, if there was a checkpoint, resumes the run from it.</summary>
    /// <param name="run">The run, at its beginning.</param>
    /// <param name="conditions">The conditions that are known once the rows have been read.</param>
    /// <returns>Where the run is; null at its beginning.</returns>
    /// <exception cref="InvalidOperationException">The checkpoint belongs to another training.</exception>
    public TrainingState? Begin(TrainingRun run, IReadOnlyList<NamedText> conditions)
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

    /// <summary>Saves the run if the interval has passed.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public void BetweenSteps()
    {
        if (Stopwatch.GetElapsedTime(_lastTime) >= _settings.Interval)
            Write();
    }

    /// <summary>Saves the run if it is to be saved after this number of epochs.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public void AfterEpoch(int epoch)
    {
        if (epoch % _settings.EveryEpochs == 0)
            Write();
    }

    /// <summary>Saves the run.</summary>
    /// <exception cref="IOException">The file could not be written; the one before is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write it.</exception>
    public void Write()
    {
        if (_run is null || !HasFile)
            return;
        var content = new SavedContent(_conditions, _run.Save());
        _file.Write(file => SavedContent.Exchange(file, content));
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

    public void Dispose() => _lock?.Dispose();

    /// <summary>The saved training that rank 0 has found.</summary>
    private TrainingState? Shared(TrainingState? own)
    {
        if (_job.Size == 1)
            return own;
        using var written = new MemoryStream();
        if (own is not null)
            TrainingState.Exchange(Archive.ToWrite(written), own);
        byte[] bytes = _job.BroadcastAny(written.ToArray(), root: 0);
        return bytes is [] || HasFile ? own : TrainingState.Exchange(Archive.ToRead(new MemoryStream(bytes), bytes.Length), state: null);
    }

    private void Add(IReadOnlyList<NamedText> conditions)
    {
        _conditions = [.. _conditions, .. conditions];
        if (_found is null)
            return;
        if (_found.Conditions is [])
            throw new InvalidOperationException($"'{_settings.Path}' is a saved training, not the checkpoint of one. Name another path, " +
                $"or pass it to Fit to continue it ({nameof(SavedTraining)}.{nameof(SavedTraining.Load)}).");
        if (NamedText.FirstDifference(_conditions, _found.Conditions) is var (name, now, before))
            throw new InvalidOperationException($"The checkpoint '{_settings.Path}' is of another training: {name} was {before}, and is {now} now. " +
                "Train with what it was written with, name another path, or delete it to train from the start.");
    }
}

/// <summary>Everything that the result of a training depends on, by name: if one of these differs, it is another training.</summary>
internal static class TrainingConditions
{
    /// <summary>The conditions that are known before the rows are read.</summary>
    /// <param name="featureCount">Length of a feature vector.</param>
    /// <param name="options">The options that must be the same.</param>
    public static IReadOnlyList<NamedText> BeforeReading(int featureCount, IReadOnlyList<NamedText> options) =>
    [
        new("the number of features", Text(featureCount)),
        .. options,
        new("the width of the machine's vectors", Text(8 * Vector<byte>.Count)),
    ];

    /// <summary>The rows of all processes, where training starts, and the decisions that follow from both.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<NamedText> AfterReading(TrainingRows rows, TrainingStart start, TrainingRun run, CancellationToken cancellation) =>
    [
        new("the number of training rows", Text(rows.Training.RowCount)),
        new("the number of parts of the training rows", Text(rows.Training.RowCounts.Count)),
        new("the training rows", ContentHash.Compute(file =>
        {
            // The moments of all columns and of the weights, together with a sample, represent the rows.
            Scaling.Exchange(file, rows.Scaling);
            file.Array(rows.Weights.ToNumbers());
            RowContents.Write(file, rows.Training, withSums: false, cancellation);
        })),
        new("the number of validation rows", Text(rows.Validation?.RowCount ?? 0)),
        new("the validation rows", rows.Validation is { } validation
            ? ContentHash.Compute(file => RowContents.Write(file, validation, withSums: true, cancellation)) : "none"),
        new("the model or training to start from", start.IsGiven ? ContentHash.Compute(file => TrainingStart.Exchange(file, start)) : "none"),
        new("the number of epochs", Text(run.Plan.NumberOfEpochs)),
        new("the number of averaged steps", Text(run.Plan.AveragedSteps)),
        new("the learning rate in effect", Text(run.LearningRate.Initial)),
        new("the schedule in effect", run.LearningRate.Schedule.Name),
        new("the L2 penalty in effect", Text(run.L2)),
        new("the whitening", run.Coordinates.Whitening is { } whitening
            ? ContentHash.Compute(file => CoordinateTransform.Exchange(file, whitening, rows.Layout)) : "none"),
    ];

    private static string Text(IFormattable value) => value.ToString(format: null, CultureInfo.InvariantCulture);
}
