namespace MlNetRms;

/// <summary>
/// Where and how often a training is saved while it runs. After a crash, a kill or a cancellation the next <c>Fit</c> with the same options and
/// rows continues from there, and its model is bit for bit the same as that of an uninterrupted training.
/// </summary>
/// <remarks>
/// <para>
/// <c>Fit</c> reads the rows again and compares them, and all options that matter, with those the checkpoint was written with. If something differs,
/// it throws and names it. A file that is damaged, of another version or no checkpoint at all is an error too; it is never overwritten. The file is
/// replaced in one piece: until a new checkpoint is on the disk, the one before is there.
/// </para>
/// <para>
/// Rows are compared by their number, by mean, variance and share of zeros of every column and of the label, by the sums of the weights, and by a
/// sample of about 260 000 values from blocks spread evenly over each part of the rows; smaller parts are compared whole. A change outside the sample
/// that leaves all these figures equal to the last bit, such as two rows that are swapped, is not noticed. Validation rows are
/// compared by their number, by the sums of the label, the weights and the columns that are not sparse, and by such a sample.
/// </para>
/// <para>
/// A checkpoint belongs to one training. Trainings that use the same path one after the other, as in a cross-validation, each begin without a file,
/// because each removes its own at its end. But after an interruption the first of them finds the checkpoint of another and throws. Give each
/// training a path of its own. While one training uses a path, another with the same path throws, in this process or in any other, because of a lock
/// file beside the checkpoint. A lock file that a killed process has left behind does no harm.
/// </para>
/// <para>
/// If training is cancelled and the checkpoint cannot be written, as on a full disk, <c>Fit</c> still throws an
/// <see cref="OperationCanceledException"/>: its message and its inner exception say why, and the previous checkpoint is unchanged.
/// </para>
/// <para>
/// In a job (<see cref="RmsPropRegressionTrainer.Options.Collective"/>) rank 0 alone reads and writes the file, and all processes continue from it;
/// the others need no access to it. The job may be started again with another number of ranks over the same parts of the rows.
/// </para>
/// </remarks>
public sealed record CheckpointOptions
{
    /// <summary>
    /// The file; its folder must exist. While training runs there can be two files beside it: the lock (this name and ".lock") and the next
    /// checkpoint while it is written (this name and ".tmp").
    /// </summary>
    public required string Path { get; init; }

    /// <summary>
    /// The number of epochs after which it is written, in addition to <see cref="Interval"/>; at least 1. Null, the default, uses the interval alone.
    /// </summary>
    public int? EveryEpochs { get; init; }

    /// <summary>
    /// The time after which it is written, in the middle of an epoch too. Default one minute; greater than 0.
    /// <see cref="TimeSpan.MaxValue"/> writes only after epochs. It is also written when training is cancelled.
    /// </summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether the file stays when training is finished. Default false: it is removed. The file of a finished training holds the result: the next
    /// <c>Fit</c> with the same options and rows returns it without another step, and <see cref="SavedTraining.Load"/> reads it to continue
    /// with other options or rows.
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
