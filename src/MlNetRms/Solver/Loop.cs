using System.Runtime.CompilerServices;
using MlNetRms.Jobs;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>A round of mini-batch training: the algorithm, step by step. Its whole state is in <see cref="Parameters"/>.</summary>
internal sealed class Loop(
    Batches batches, Penalties penalties, Parameters parameters, LearningRateSettings learningRates, TrainingPlan plan,
    ProgressMeter progress, long stepsBefore, int stepsBetweenReports)
{
    /// <summary>The shortest steps take less than a microsecond.</summary>
    private const int StepsBetween = 16;

    private int _stepsSinceReport;

    /// <summary>Steps done in this round.</summary>
    public long Step { get; private set; }

    /// <summary>The progress within the current epoch; it is reset by <see cref="EndEpoch"/>.</summary>
    public EpochPart Part { get; private set; }

    /// <summary>Continues an epoch that another loop has begun.</summary>
    public void Restore(long step, EpochPart part) => (Step, Part) = (step, part);

    /// <summary>The next call of <see cref="Run"/> begins an epoch.</summary>
    public void EndEpoch() => Part = default;

    /// <summary>Runs an epoch, or the rest of one.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="orderNumber">The epoch's number in the order of batches.</param>
    /// <param name="betweenSteps">Called every few steps; null for nothing.</param>
    /// <exception cref="DivergedException">The loss, its derivative, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, here or in another process.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public EpochResult Run(int epoch, int orderNumber, Action? betweenSteps)
    {
        batches.Begin(orderNumber);                                                // a new order of mini-batches
        (int position, LossSum losses) = Part;
        int count = batches.Count;
        float learningRate = position == count ? learningRates.At(Step - 1, plan.TotalSteps) : 0;
        while (position < count)
        {
            learningRate = learningRates.At(Step, plan.TotalSteps);                // η
            BatchSum batch = batches.Compute(position);                            // Σ c·ℓ(ŷ, y) and g = Σ c·ℓ'(ŷ, y)·x over its B rows
            losses += batch.Losses;
            // The bias's gradient is the sum of all derivatives.
            if (!double.IsFinite(losses.Loss) || !float.IsFinite(batch.Gradient[parameters.Layout.BiasLane]))
                throw new DivergedException(epoch, stepsBefore + Step + 1, learningRate);

            batch.DivideByRows();                                                  // g ← g / B
            penalties.ApplyBefore(batch.Gradient, parameters.Values);              // g ← g + λ·w, no longer than the largest norm
            ReadOnlySpan<float> gradient = parameters.Whiten(batch.Gradient);      // g_u = M·g, for the u of w = M·u
            parameters.Rule.Step(parameters.Coordinates, gradient, learningRate);  // v ← μ·v + g_u / (√ŝ + ε);  u ← u − η·v
            parameters.Unwhiten();                                                 // w = M·u
            parameters.Lazy?.Step(learningRate, (float)(1.0 / batch.RowCount));    // the same for the sparse columns in the batch
            penalties.ApplyAfter(parameters, learningRate);                        // w ← sign(w)·max(|w| − η·λ₁ / (√ŝ + ε), 0)
            parameters.AddToAverage();                                             // the sum of u over the averaged steps

            Step++;
            Part = new EpochPart(++position, losses);
            if (betweenSteps is not null && Step % StepsBetween == 0)
                betweenSteps();
            if (++_stepsSinceReport >= stepsBetweenReports)
            {
                _stepsSinceReport = 0;
                progress.Step(epoch, stepsBefore + Step, losses);
            }
        }
        if (!parameters.AreFinite)
            throw new DivergedException(epoch, stepsBefore + Step, learningRate);
        progress.EpochDone(epoch, stepsBefore + Step, losses);
        return new EpochResult(epoch, stepsBefore + Step, losses.Mean, ValidationLoss: null, learningRate);
    }
}

/// <summary>The first steps of an epoch.</summary>
/// <param name="Steps">Their number.</param>
/// <param name="Losses">Losses of their rows, each before its batch's step, in the units of training.</param>
internal readonly record struct EpochPart(int Steps, LossSum Losses);

/// <summary>The result of an epoch. Losses are means in the units of training.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Loss of the epoch's rows, each before its batch's step.</param>
/// <param name="ValidationLoss">Loss of the validation rows after the epoch, or null.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
internal readonly record struct EpochResult(int Epoch, long Step, double Loss, double? ValidationLoss, float LearningRate);

/// <summary>Thrown when the loss, the weights or the mean square of the gradients become infinite or NaN.</summary>
internal sealed class DivergedException(int epoch, long step, float learningRate) : Exception
{
    public int Epoch { get; } = epoch;

    public long Step { get; } = step;

    public float LearningRate { get; } = learningRate;
}
