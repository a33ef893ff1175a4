using System.Collections.Concurrent;
using System.Diagnostics;
using MlNetRms.Checkpoints;
using MlNetRms.Data;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>
/// Saves a training while it runs, and continues one that was saved. Until it is disposed of, no other may use its path. In a job the first process
/// does so; the others, which all have the same state, get from it what it found.
/// </summary>
internal sealed class TrainingCheckpoint : IDisposable
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
    public TrainingCheckpoint(CheckpointSettings settings, IReadOnlyList<(string Name, string Value)> conditions, Job job, Func<string, Stream>? create)
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
