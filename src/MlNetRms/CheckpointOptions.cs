namespace MlNetRms;

/// <summary>
/// Where and how often a training is saved while it runs. After a crash, a kill or a cancellation the next <c>Fit</c> with the same options and
/// rows continues from there, and its model is that of a training without a break, bit for bit.
/// </summary>
/// <remarks>
/// <para>
/// <c>Fit</c> reads the rows again and compares them and all options that matter with what the checkpoint was written with; where something
/// differs it throws and says what. A file that is damaged, of another version or no checkpoint at all is an error too; it is never overwritten.
/// The file is replaced in one piece: until a new checkpoint is on the disk, the one before is there.
/// </para>
/// <para>
/// A checkpoint belongs to one training. Trainings that share a path one after the other, as those of a cross-validation do, each begin with no
/// file, because each removes its own at its end; after a break, the first of them finds the checkpoint of another and throws. Give each a path of
/// its own. Two that run at once in a process are refused.
/// </para>
/// <para>
/// In a job (<see cref="RmsPropRegressionTrainer.Options.Collective"/>) rank 0 alone reads and writes the file, and all continue from it; the others
/// need not reach it. The job may be started again with another number of ranks over the same parts of the rows.
/// </para>
/// </remarks>
public sealed record CheckpointOptions
{
    /// <summary>
    /// The file; its folder must exist. Beside it, with ".tmp" behind its name, stands the next checkpoint while it is written.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>After how many epochs, besides <see cref="Interval"/>, it is written; at least 1, or null, the default, for the interval alone.</summary>
    public int? EveryEpochs { get; init; }

    /// <summary>
    /// After how much time it is written, in the middle of an epoch too. Default one minute; greater than 0.
    /// <see cref="TimeSpan.MaxValue"/> writes after epochs alone. It is also written when training is cancelled.
    /// </summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether the file stays when training is finished. Default false: it is removed. Of a finished training it holds the result: the next <c>Fit</c>
    /// with the same options and rows returns it without another step, and <see cref="SavedTraining.Load"/> reads it to continue with others.
    /// </summary>
    public bool Keep { get; init; }

    /// <param name="parameter">What the caller's parameter is called.</param>
    /// <param name="isWritten">Whether this process reads and writes the file.</param>
    internal void CheckPath(string parameter, bool isWritten)
    {
        const string Name = nameof(RmsPropRegressionTrainer.Options.Checkpoint) + "." + nameof(Path);
        if (string.IsNullOrWhiteSpace(Path))
            throw new ArgumentException($"{Name} must name a file.", parameter);
        if (Directory.Exists(Path) || System.IO.Path.EndsInDirectorySeparator(Path))
            throw new ArgumentException($"{Name} '{Path}' is a folder; it must name a file.", parameter);
        if (isWritten && !Directory.Exists(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))))
            throw new ArgumentException($"{Name} '{Path}' is in no folder that exists.", parameter);
    }
}
