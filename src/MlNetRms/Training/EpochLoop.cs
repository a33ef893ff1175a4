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
    /// <summary>The shortest steps take less than a microsecond.</summary>
    private const int StepsBetween = 16;

    private int _stepsSinceReport;

    /// <summary>Steps done, those of this training alone.</summary>
    public long Step { get; private set; }

    /// <summary>What has been done of the current epoch. It stays until <see cref="EndEpoch"/>.</summary>
    public EpochPart Part { get; private set; }

    /// <summary>Continues from a part of an epoch that another loop has done.</summary>
    public void Restore(long step, EpochPart part) => (Step, Part) = (step, part);

    /// <summary>The next call of <see cref="Run"/> begins an epoch.</summary>
    public void EndEpoch() => Part = default;

    /// <summary>Goes once through the rows, or through those that are left.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="orderNumber">The epoch's number in the order of batches.</param>
    /// <param name="betweenSteps">Called every few steps; null for nothing.</param>
    /// <exception cref="DivergedException">The loss, its derivative, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public EpochResult Run(int epoch, int orderNumber, Action? betweenSteps)
    {
        order.Begin(orderNumber);
        (int position, LossSum losses) = Part;
        float learningRate = position == order.BatchCount ? learningRates.At(Step - 1, plan.TotalSteps) : 0;
        bool isInFile = objective.IsInFile;
        while (position < order.BatchCount)
        {
            if (isInFile && position % order.RunLength == 0)
                ExpectNextRun(position);
            (long first, int count) = order.Batch(position);
            if (isInFile)
                objective.Following = order.Batch(Math.Min(position + 1, order.BatchCount - 1));
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
            Part = new EpochPart(++position, losses);
            if (betweenSteps is not null && Step % StepsBetween == 0)
                betweenSteps();
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

    /// <summary>Says what comes after the run that begins, joining batches that are side by side.</summary>
    private void ExpectNextRun(int position)
    {
        int end = (int)Math.Min(position + 2L * order.RunLength, order.BatchCount);
        for (int next = position == 0 ? 0 : position + order.RunLength; next < end;)
        {
            (long first, long count) = order.Batch(next);
            while (++next < end && order.Batch(next) is var (row, more) && row == first + count)
                count += more;
            objective.Expect(first, count);
        }
    }
}
