namespace MlNetRms.Training;

/// <summary>What an epoch gave. Losses are means in the units of training.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Of the epoch's rows, each before its batch's step.</param>
/// <param name="ValidationLoss">Of the validation rows after the epoch, or null.</param>
/// <param name="LearningRate">Of the last step.</param>
internal readonly record struct EpochResult(int Epoch, long Step, double Loss, double? ValidationLoss, float LearningRate);
