namespace MlNetRms.Settings;

/// <summary>The learning rate before the schedule, and the schedule.</summary>
internal sealed record LearningRateSettings(float Initial, LearningRateSchedule Schedule)
{
    /// <summary>Whether every step has the same rate.</summary>
    public bool IsConstant => Schedule == LearningRateSchedule.Constant;

    /// <exception cref="InvalidOperationException">A custom schedule's factor, or its product with the rate, is not a finite number.</exception>
    public float At(long step, long totalSteps)
    {
        var learningRate = (float)(Initial * Schedule.Factor(step, totalSteps));
        return float.IsFinite(learningRate) ? learningRate : throw new InvalidOperationException(FormattableString.Invariant(
            $"The learning rate schedule '{Schedule}' made the learning rate infinite at step {step} of {totalSteps}."));
    }
}
