using MlNetRms.Saving;
using MlNetRms.Solver;

namespace MlNetRms;

/// <summary>
/// A training read from a file that <see cref="RmsPropRegressionTransformer.SaveTraining"/> or a checkpoint
/// (<see cref="RmsPropRegressionTrainer.Options.Checkpoint"/>) wrote, to continue it in another process. To predict, save the model itself.
/// </summary>
public sealed class SavedTraining
{
    private SavedTraining(TrainingState state) => State = state;

    /// <summary>Epochs done, including those of the trainings that it continued.</summary>
    public int NumberOfEpochs => State.TotalEpochs;

    internal TrainingState State { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The training, to be passed to <see cref="RmsPropRegressionTrainer.Fit(Microsoft.ML.IDataView, SavedTraining)"/>.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, of a newer version, or of another kind.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read the file.</exception>
    public static SavedTraining Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(new CheckpointFile(path).Read(file => SavedContent.Exchange(file, content: null)).State);
    }
}
