using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>
/// All of a training, as plain data that no other object changes: what fixes it, and all that changes while it runs. Enough to
/// go on as if there had been no break, whether in the middle of a training or with a new one. Independent of how the
/// columns are stored.
/// </summary>
/// <param name="Identity">The settings that give the numbers their meaning.</param>
/// <param name="Plan">How long the training is.</param>
/// <param name="Scaling">The units.</param>
/// <param name="Parameters">Weights, the rule's state, and the running average.</param>
/// <param name="EpochsBefore">Epochs of the trainings that this one continues, so that each epoch has its own order of batches.</param>
/// <param name="StepsBefore">Their steps.</param>
/// <param name="Epoch">Epochs done in this training.</param>
/// <param name="StopReason">Why it ended, if it has ended before its last epoch.</param>
/// <param name="Best">The best epoch so far, with early stopping.</param>
/// <param name="Reports">Of the epochs so far.</param>
internal sealed record TrainingState(
    TrainingIdentity Identity, TrainingPlan Plan, Scaling Scaling, ParameterState Parameters,
    int EpochsBefore, long StepsBefore, int Epoch, StopReason StopReason, BestEpochState? Best, IReadOnlyList<EpochReport> Reports)
{
    /// <summary>Epochs done, those before included.</summary>
    public int TotalEpochs => EpochsBefore + Epoch;
}
