using MlNetRms.Examples;

namespace MlNetRms.Optimization;

/// <summary>
/// Where a training stands: what another one needs to go on from there as if there had been no break. Independent of how
/// the columns are stored.
/// </summary>
/// <param name="Weights">The last weights of all columns, then the bias, in standardised units.</param>
/// <param name="Optimizer">The update rule's state, in the same order.</param>
/// <param name="Epochs">Epochs done, so that the next one has its own order of batches.</param>
/// <param name="Standardizer">The units.</param>
internal sealed record TrainedState(float[] Weights, RmsPropState Optimizer, int Epochs, Standardizer Standardizer);
