using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;


namespace MlNetRms.Solver;

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

/// <summary>
/// In which coordinates the weights of the dense columns are stepped, and what the columns' covariance says: decorrelated where that is wanted
/// or affordable, with the leading directions scaled where there are more columns, as they are otherwise.
/// </summary>
internal sealed class Coordinates
{
    /// <summary>
    /// Most dense columns that are decorrelated. The eigenvectors take 0.1 s for 320 columns, 0.6 s for 512, 1.2 s for 768 and 3.9 s for 1024,
    /// whatever the number of rows, and a training of 20 000 rows 0.1 to 0.2 s without them; but at correlation 0.5 of all pairs an excess
    /// of 0.001 % becomes 0.08 % with 512, and far more where the condition is worse. Of more columns only the leading directions are scaled.
    /// </summary>
    private const int MostDecorrelated = 512;

    /// <param name="settings">All settings.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="l2">λ as it takes effect.</param>
    /// <param name="previous">The training that is continued, or null.</param>
    /// <param name="cancellation">Ends the passes over the rows.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Coordinates(TrainingSettings settings, TrainingRows rows, float l2, TrainingState? previous, CancellationToken cancellation)
    {
        bool areFew = rows.Layout.DenseCount is > 1 and <= MostDecorrelated;
        bool decorrelates = settings.Decorrelate ?? (areFew && !settings.Penalties.NeedsWeights);
        bool scales = settings.Decorrelate is null && !settings.Penalties.NeedsWeights && rows.Layout.DenseCount > MostDecorrelated;
        Covariance? covariance = rows.Scaling.IsOn && rows.Layout.DenseCount > 0 && (areFew || decorrelates)
            ? Covariance.Of(rows.Training, cancellation, isSampleEnough: !decorrelates) : null;
        LeadingDirections? leading = scales && rows.Scaling is { IsOn: true, IsPareto: false }
            ? LeadingDirections.Find(rows.Training, cancellation) : null;

        AreThoseOfBefore = previous is not null && !rows.Scaling.HasNewUnits
            && previous.Parameters.Whitening?.Fits(covariance, leading, cancellation) != false;
        if (AreThoseOfBefore)
            Transform = previous!.Parameters.Whitening;
        else if (leading is not null)
            Transform = new Whitening(leading);
        else if (decorrelates && covariance is not null)
            Transform = new Whitening(covariance, l2, cancellation);
        ConditionNumber = covariance is null ? null : Decorrelation?.ConditionNumber ?? Solver.ConditionNumber.Estimate(covariance);
        double denseEnergy = rows.Scaling.Energy - rows.Scaling.SparseEnergy;
        Energy = rows.Scaling.SparseEnergy + (Transform?.RowNorm(denseEnergy) ?? denseEnergy);
    }

    /// <summary>Whether the state of the previous training holds in them: its units and its coordinates fit these rows.</summary>
    public bool AreThoseOfBefore { get; }

    /// <summary>From the coordinates to the weights of the dense columns; null where they are the same.</summary>
    public Whitening? Transform { get; }

    /// <summary>The same where all dense columns are decorrelated, else null.</summary>
    public Whitening? Decorrelation => Transform is { IsOfAllDirections: true } ? Transform : null;

    /// <summary>Condition number of the dense columns; null where it is not known.</summary>
    public double? ConditionNumber { get; }

    /// <summary>Mean squared length of a row, sparse columns included.</summary>
    public double Energy { get; }
}

/// <summary>Which sparse columns each thread updates.</summary>
internal static class SparseParts
{
    /// <summary>Fewer values in a batch take no longer than the threads need to meet.</summary>
    private const double ValuesForThreads = 4000;

    /// <summary>Where the parts of the places end: about as many values in each as in another, one part for few values.</summary>
    /// <param name="layout">The order of the parameters.</param>
    /// <param name="scaling">Tells how many values a column has.</param>
    /// <param name="batchSize">Rows of a mini-batch.</param>
    /// <param name="numberOfThreads">Most parts.</param>
    public static int[] Ends(ParameterLayout layout, Scaling scaling, int batchSize, int numberOfThreads)
    {
        var shares = new double[layout.SparseLength];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            if (layout.Position(column) >= layout.DenseLength)
                shares[layout.Position(column) - layout.DenseLength] = scaling.NonZeroShare(column);
        }
        double total = shares.Sum();
        if (total * batchSize < ValuesForThreads)
            return [shares.Length];
        var ends = new List<int>();
        double sum = 0;
        for (int place = 0; place < shares.Length; place++)
        {
            sum += shares[place];
            if (sum >= total * (ends.Count + 1) / numberOfThreads && ends.Count < numberOfThreads - 1)
                ends.Add(place + 1);
        }
        if (ends.LastOrDefault() < shares.Length)
            ends.Add(shares.Length);
        return [.. ends];
    }
}

/// <summary>How long a training is: what the settings leave open is derived from the number of rows.</summary>
/// <param name="BatchSize">Most rows of a mini-batch.</param>
/// <param name="StepsPerEpoch">Mini-batches of an epoch.</param>
/// <param name="NumberOfEpochs">Passes over the rows.</param>
/// <param name="AveragedSteps">The returned weights are the mean over so many last steps; 0 for the last weights.</param>
internal readonly record struct TrainingPlan(int BatchSize, int StepsPerEpoch, int NumberOfEpochs, long AveragedSteps)
{
    /// <summary>Steps, not epochs, are what RMSProp needs to come near the optimum.</summary>
    private const int AutomaticSteps = 2000;

    /// <summary>Every row is seen at a high rate and again at a low one.</summary>
    private const int FewestEpochs = 2;

    /// <summary>
    /// Of a single epoch at least this share is averaged: the average is then about as good as least squares on its rows, which of n rows and d
    /// columns has an expected RMSE d/8n above that of all rows.
    /// </summary>
    private const double AveragedShareOfOne = 0.8;

    private const int ManyEpochs = 10;

    /// <summary>Over fewer steps the mean of the weights is hardly less noisy than the last ones.</summary>
    private const int FewestStepsPerPeriod = 100;

    public long TotalSteps => (long)StepsPerEpoch * NumberOfEpochs;

    /// <summary>The unit of patience: one epoch, or as many as make a hundred steps.</summary>
    public int EpochsPerPeriod => Divide.RoundUp(FewestStepsPerPeriod, StepsPerEpoch);

    /// <summary>Steps of the running average by which a training that may end early is judged: a period, but not more than the returned one has.</summary>
    public long RunningSteps => Math.Min(AveragedSteps, (long)EpochsPerPeriod * StepsPerEpoch);

    /// <summary>Epochs without an improvement after which early stopping ends training.</summary>
    public long PatienceInEpochs(StoppingSettings stopping) => (long)stopping.Patience * EpochsPerPeriod;

    /// <param name="rowCount">Rows to train on.</param>
    /// <param name="settings">What is wanted.</param>
    /// <param name="stepsBefore">Steps of the training that this one continues, where its average is to be continued too; else 0.</param>
    /// <param name="mayVisitOnce">Whether rows visited once are enough, where they make enough steps.</param>
    public static TrainingPlan Of(long rowCount, PlanSettings settings, long stepsBefore = 0, bool mayVisitOnce = false)
    {
        int batchSize = (int)Math.Min(settings.BatchSize, rowCount);
        int stepsPerEpoch = checked((int)Divide.RoundUp(rowCount, batchSize));
        int fewest = mayVisitOnce && settings.AveragedFraction is > 0 and < 1 ? 1 : FewestEpochs;
        int epochs = settings.NumberOfEpochs ?? Math.Max(fewest, Divide.RoundUp(AutomaticSteps, stepsPerEpoch));
        long steps = stepsBefore + (long)stepsPerEpoch * epochs;
        var averaged = (long)Math.Ceiling((double)settings.AveragedFraction * steps);
        // Over whole epochs the noise of the mini-batches cancels; of many epochs a part of one more does not matter.
        if (settings.NumberOfEpochs is null && epochs < ManyEpochs && averaged < steps)
            averaged = epochs == 1 ? Math.Max(averaged, (long)(AveragedShareOfOne * steps)) : Divide.RoundUp(averaged, stepsPerEpoch) * stepsPerEpoch;
        return new(batchSize, stepsPerEpoch, epochs, averaged);
    }
}
