using MlNetRms.Data;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>What the settings leave open, decided by the rows: the ridge, the learning rate, and whether one epoch is enough.</summary>
internal static class AutomaticSettings
{
    /// <summary>
    /// Mean squared length of a row for which the learning rate is taken as it is: a step of η in every weight moves a prediction by up to
    /// η·Σ|x|, so that longer rows need smaller steps, and rows with hardly a value in them can take larger ones.
    /// </summary>
    private const double UsualEnergy = 5;
    private const double LeastRelativeEnergy = 0.2;

    /// <summary>
    /// λ is up to this share of a row's mean squared length over the number of rows, where columns outnumber half the rows. The part of dense
    /// columns grows from there until they are as many as the rows: with half as many least squares is still a good predictor, with as many
    /// the worst. A sparse column is learned from few rows and needs all of its part.
    /// </summary>
    private const double WideRidge = 0.25;

    /// <summary>With so many rows for each direction one visit to each row leaves an expected RMSE 0.0005 % above that of least squares.</summary>
    private const long RowsPerDirection = 25_000;
    private const double FewestRowsOfAVariance = 1000;

    /// <summary>
    /// λ where the settings leave it open: adaptive steps find poor solutions among the many of a wide set. A continued training has rows
    /// behind it that few new ones must not undo: λ becomes less at most.
    /// </summary>
    public static float Ridge(TrainingSettings settings, TrainingRows rows, TrainingState? previous)
    {
        if (settings.Penalties.L2 is { } given)
            return given;
        Scaling scaling = rows.Scaling;
        if (!scaling.IsOn || scaling.Wideness == 0 || settings.Penalties.L1 > 0)
            return 0;
        double energy = scaling.Wideness * (scaling.Energy - scaling.SparseEnergy) + scaling.SparseEnergy;
        return (float)Math.Min(WideRidge * energy / rows.Training.RowCount, previous?.L2 ?? float.MaxValue);
    }

    /// <summary>η for rows of this length; and, where the length of the training is automatic too, a schedule whose constant part is averaged.</summary>
    public static LearningRateSettings LearningRate(TrainingSettings settings, TrainingPlan plan, double energy)
    {
        LearningRateSettings learningRate = settings.LearningRate;
        if (settings.Reading.Standardize)
            learningRate = learningRate with { Initial = (float)(learningRate.Initial / Math.Sqrt(Math.Max(LeastRelativeEnergy, energy / UsualEnergy))) };
        bool followsAverage = settings.Plan.NumberOfEpochs is null && learningRate.Schedule == LearningRateSchedule.Default
            && plan.AveragedSteps > 0 && plan.AveragedSteps < plan.TotalSteps;
        return followsAverage
            ? learningRate with { Schedule = LearningRateSchedule.CosineThenConstant(decayFraction: 1 - (double)plan.AveragedSteps / plan.TotalSteps) }
            : learningRate;
    }

    /// <summary>
    /// Whether one epoch can be enough. Early stopping needs epochs to choose from, correlated columns need the steps, and a column whose variance
    /// is that of a few rows needs to see them again: in units of its deviation, a value of one in k rows is √k.
    /// </summary>
    public static bool MayVisitOnce(TrainingSettings settings, TrainingRows rows, Coordinates coordinates) =>
        settings.Plan.NumberOfEpochs is null && settings.Stopping is null && settings.LearningRate.Schedule == LearningRateSchedule.Default
        && !rows.Scaling.IsSparse.Contains(true) && coordinates.Decorrelation is { DirectionCount: var directions }
        && rows.Training.RowCount >= RowsPerDirection * directions
        && rows.Training.RowCount >= FewestRowsOfAVariance * rows.Scaling.LargestValue * rows.Scaling.LargestValue;
}
