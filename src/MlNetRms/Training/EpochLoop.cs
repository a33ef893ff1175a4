using System.Runtime.CompilerServices;
using MlNetRms.Model;
using MlNetRms.Objective;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>Mini-batch training: the loop over epochs and steps. All it changes is in <see cref="Parameters"/>.</summary>
internal sealed class EpochLoop(
    BatchOrder order, BatchGradient objective, IReduction reduction, Penalties penalties, Parameters parameters,
    LearningRateSettings learningRates, TrainingPlan plan, ProgressMeter progress, int stepsBetweenReports)
{
    private int _stepsSinceReport;

    /// <summary>Steps done, those of this training alone.</summary>
    public long Step { get; set; }

    /// <summary>Goes once through the rows.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="orderNumber">The epoch's number in the order of batches.</param>
    /// <exception cref="DivergedException">The loss, its derivative, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public EpochResult Run(int epoch, int orderNumber)
    {
        order.Begin(orderNumber);
        LossSum losses = default;
        float learningRate = 0;
        for (int position = 0; position < order.BatchCount; position++)
        {
            (long first, int count) = order.Batch(position);
            learningRate = learningRates.At(Step, plan.TotalSteps);
            BatchSum batch = objective.Compute(first, count);
            reduction.Reduce(batch);
            losses += batch.Losses;
            // The bias's gradient is the sum of all derivatives.
            if (!double.IsFinite(losses.Loss) || !float.IsFinite(batch.Gradient[parameters.Layout.BiasPosition]))
                throw new DivergedException(epoch, Step + 1, learningRate);
            batch.DivideByRows();
            penalties.ApplyBefore(batch.Gradient, parameters.Values);
            parameters.Step(batch.Gradient, batch.RowCount, learningRate);
            penalties.ApplyAfter(parameters, learningRate);
            parameters.AddToAverage();
            Step++;
            if (++_stepsSinceReport >= stepsBetweenReports)
            {
                _stepsSinceReport = 0;
                progress.Step(epoch, Step, losses);
            }
        }
        if (!parameters.AreFinite)
            throw new DivergedException(epoch, Step, learningRate);
        progress.EpochDone(epoch, Step, losses);
        return new EpochResult(epoch, Step, losses.Mean, ValidationLoss: null, learningRate);
    }
}
