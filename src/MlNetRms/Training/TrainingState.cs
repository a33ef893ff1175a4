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
/// <param name="L2">λ of the L2 penalty as it took effect.</param>
/// <param name="Parameters">Weights, the rule's state, and the running average.</param>
/// <param name="EpochsBefore">Epochs of the trainings that this one continues, so that each epoch has its own order of batches.</param>
/// <param name="StepsBefore">Their steps.</param>
/// <param name="Epoch">Epochs done in this training.</param>
/// <param name="StopReason">Why it ended, if it has ended before its last epoch.</param>
/// <param name="Best">The best epoch so far, with early stopping.</param>
/// <param name="Reports">Of the epochs so far.</param>
internal sealed record TrainingState(
    TrainingIdentity Identity, TrainingPlan Plan, Scaling Scaling, float L2, ParameterState Parameters,
    int EpochsBefore, long StepsBefore, int Epoch, StopReason StopReason, BestEpochState? Best, IReadOnlyList<EpochReport> Reports)
{
    /// <summary>Epochs done, those before included.</summary>
    public int TotalEpochs => EpochsBefore + Epoch;

    /// <summary>The last weights by column and the bias, in the units of <see cref="Scaling"/>.</summary>
    public double[] Weights()
    {
        double[] weights = Array.ConvertAll(Parameters.Values, value => (double)value);
        if (Parameters.Transform is not { } decorrelation)
            return weights;
        var layout = new RowLayout(Scaling.Columns, Scaling.IsSparse, hasWeights: false);
        int[] dense = [.. Enumerable.Range(0, layout.ColumnCount).Where(column => layout.Position(column) < layout.DenseCount)];
        double[] coordinates = Array.ConvertAll(dense, column => weights[column]);
        decorrelation.ToWeights(coordinates);
        for (int lane = 0; lane < dense.Length; lane++)
            weights[dense[lane]] = coordinates[lane];
        return weights;
    }
}
