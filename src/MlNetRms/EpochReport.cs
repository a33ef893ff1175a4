namespace MlNetRms;

/// <summary>What happened in one epoch.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="NumberOfEpochs">Of how many.</param>
/// <param name="Step">Steps done since training began.</param>
/// <param name="Loss">Mean loss over the epoch's rows, each row evaluated with the weights before its batch's step, without
/// penalties. For the default loss: of ½·(ŷ − y)², in squared label units.</param>
/// <param name="ValidationLoss">Mean loss over the validation rows with the weights that would be returned if training ended
/// here (a running mean, see <see cref="EarlyStopping"/>); null without validation rows.</param>
/// <param name="LearningRate">Learning rate of the epoch's last step.</param>
/// <param name="Elapsed">Time since the first step of the training.</param>
/// <param name="RowsPerSecond">Rows trained on in the epoch, over the time it took.</param>
public sealed record EpochReport(
    int Epoch, int NumberOfEpochs, long Step, double Loss, double? ValidationLoss, float LearningRate, TimeSpan Elapsed, double RowsPerSecond);
