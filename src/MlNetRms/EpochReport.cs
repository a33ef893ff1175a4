namespace MlNetRms;

/// <summary>What happened in one epoch.</summary>
public sealed record EpochReport
{
    internal EpochReport()
    {
    }

    /// <summary>Number of the epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Of how many.</summary>
    public required int NumberOfEpochs { get; init; }

    /// <summary>Steps done since training began.</summary>
    public required long Step { get; init; }

    /// <summary>
    /// Mean loss over the epoch's rows, each row evaluated with the weights before its batch's step, without penalties. For the default loss:
    /// of ½·(ŷ − y)², in squared label units.
    /// </summary>
    public required double Loss { get; init; }

    /// <summary>
    /// Mean loss over the validation rows with the weights that would be returned if training ended here (a running mean, see
    /// <see cref="EarlyStopping"/>); null without validation rows.
    /// </summary>
    public required double? ValidationLoss { get; init; }

    /// <summary>Learning rate of the epoch's last step.</summary>
    public required float LearningRate { get; init; }

    /// <summary>Time since the first step of the training.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Rows trained on in the epoch, over the time it took.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>What a line of a log needs.</summary>
    /// <returns>For example "Epoch 3 of 20, step 300: loss 0.31, learning rate 0.01, 1.2e+06 rows/s, 0.1 s".</returns>
    public override string ToString()
    {
        string validation = ValidationLoss is { } loss ? FormattableString.Invariant($", validation loss {loss:g6}") : "";
        return FormattableString.Invariant($"Epoch {Epoch} of {NumberOfEpochs}, step {Step}: loss {Loss:g6}{validation}, ") +
            FormattableString.Invariant($"learning rate {LearningRate:g3}, {RowsPerSecond:g3} rows/s, {Elapsed.TotalSeconds:f1} s");
    }
}
