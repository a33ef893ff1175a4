using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// A training of fixed length in fixed coordinates: wires parameters, gradient and loop together. A training is one round, or several, each of which
/// begins at the weights of the one before.
/// </summary>
internal sealed class Round : IDisposable
{
    /// <summary>A thread processes this many values of rows and weights in less than a millisecond, often enough to look at the clock.</summary>
    private const long ValuesBetweenReports = 1 << 18;

    private readonly Batches _batches;
    private readonly ReturnedWeights _returned;

    /// <param name="context">What all rounds share.</param>
    /// <param name="decided">Coordinates, length and learning rate.</param>
    /// <param name="first">The first weights by column, the bias last, in the units of training.</param>
    /// <param name="before">
    /// The state to continue, with the columns of these rows: that of another training, weights included, or what the rule has learned in the round
    /// before; null for none.
    /// </param>
    /// <param name="firstEpoch">Epochs done in the training before this round.</param>
    public Round(RoundContext context, Decided decided, float[] first, ParameterState? before, int firstEpoch)
    {
        Decided = decided;
        FirstEpoch = firstEpoch;
        (TrainingRows rows, TrainingSettings settings) = (context.Rows, context.Settings);
        TrainingPlan plan = decided.Plan;
        bool mayEndEarly = rows.Validation is not null || settings.HasEpochCallback;
        var averaging = new AveragingPlan(decided.StepsBefore, decided.FirstAveragedStep(before), mayEndEarly ? plan.RunningSteps : 0);
        RowLayout layout = rows.Layout;
        LazySetup? lazy = !decided.UpdatesLazily ? null : new LazySetup(
            decided.L2 > 0 ? LazyRanges.Ridge(layout, rows.Scaling, decided.L2) : null,
            LazyRanges.Ends(layout, rows.Scaling, plan.BatchSize, settings.Plan.NumberOfThreads));
        Parameters = new Parameters(
            new ParameterSetup(layout, settings.Rule, decided.LearningRate.Initial, averaging, decided.Coordinates.Whitening, lazy), first);
        if (before is not null)
        {
            float[] values = firstEpoch > 0 ? Parameters.Save().Values : before.Values;
            Parameters.Restore(before with { Values = values, EarlierCount = 0, EarlierSums = [] });
        }
        _returned = new ReturnedWeights(
            Parameters, rows.Scaling, context.Loss, new ExactZeros(rows.Training, context.Loss, settings.Penalties, context.Cancellation));

        // Last, because it starts threads.
        RowSet training = rows.Training;
        _batches = new Batches(training, plan, settings.Plan,
            new BatchGradient(
                training, Parameters, context.Loss, plan, decided.InEveryBatch, settings.Plan.NumberOfThreads, context.Cancellation),
            training.IsDivided ? new AllReduce(rows.Job, Parameters.GradientLength) : null);
        Loop = new Loop(_batches, new Penalties(settings.Penalties, decided.L2, layout), Parameters, decided.LearningRate, plan, context.Progress,
            stepsBefore: (long)firstEpoch * plan.StepsPerEpoch,
            stepsBetweenReports: (int)Math.Max(1, ValuesBetweenReports / ((long)plan.BatchSize * layout.Stride + layout.Length)));
    }

    public Decided Decided { get; }

    /// <summary>Epochs done in the training before this round.</summary>
    public int FirstEpoch { get; }

    /// <summary>Epochs done in the training when this round ends.</summary>
    public int EndEpoch => FirstEpoch + Decided.Plan.NumberOfEpochs;

    public Parameters Parameters { get; }

    public Loop Loop { get; }

    /// <summary>Threads that the round uses.</summary>
    public int NumberOfThreads => Math.Max(_batches.NumberOfThreads, Parameters.RangeCount);

    /// <summary>The weights that would be returned now: of all columns, then the bias, in the units of training.</summary>
    public double[] Current() => _returned.Current();

    /// <summary>Runs an epoch, or the rest of one.</summary>
    /// <param name="epoch">Epochs done in the training.</param>
    /// <param name="orderNumber">The epoch's number in the order of batches.</param>
    /// <param name="betweenSteps">Called every few steps; null for nothing.</param>
    /// <inheritdoc cref="Solver.Loop.Run" path="/exception"/>
    public EpochResult RunEpoch(int epoch, int orderNumber, Action? betweenSteps)
    {
        try
        {
            return Loop.Run(epoch + 1, orderNumber, betweenSteps);
        }
        catch (Exception exception) when (exception is not DivergedException && Loop.Part.Steps < Decided.Plan.StepsPerEpoch)
        {
            _batches.Leave();
            throw;
        }
    }

    public void Dispose()
    {
        _batches.Dispose();
        Parameters.Dispose();
    }
}

/// <summary>What all rounds of a training share.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Settings">All settings.</param>
/// <param name="Loss">The loss in the units of training.</param>
/// <param name="Progress">Receives the progress.</param>
/// <param name="Cancellation">Ends the training.</param>
internal sealed record RoundContext(
    TrainingRows Rows, TrainingSettings Settings, StandardizedLoss Loss, ProgressMeter Progress, CancellationToken Cancellation);

/// <summary>The values that <see cref="Decisions"/> gives for a round, in the order in which it decides.</summary>
/// <param name="L2">λ of the L2 penalty.</param>
/// <param name="Coordinates">The coordinates in which the weights are stepped.</param>
/// <param name="NumberInCoordinates">The round's number among those in the same coordinates, from 0.</param>
/// <param name="StepsBefore">Steps of the training or round whose state is continued.</param>
/// <param name="Plan">How long the round is.</param>
/// <param name="LearningRate">η before the schedule, and the schedule.</param>
/// <param name="UpdatesLazily">Whether a step changes only those weights of sparse columns that have a value in its batch.</param>
/// <param name="InEveryBatch">Rows of high leverage.</param>
internal sealed record Decided(
    float L2, Coordinates Coordinates, int NumberInCoordinates, long StepsBefore, TrainingPlan Plan, LearningRateSettings LearningRate,
    bool UpdatesLazily, HighLeverageRows InEveryBatch)
{
    /// <summary>The first round of a training.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Decided First(TrainingSettings settings, TrainingRows rows, TrainingState? previous, CancellationToken cancellation)
    {
        Scaling scaling = rows.Scaling;
        long rowCount = rows.Training.RowCount;
        double wideness = Decisions.Wideness(scaling.VaryingColumnCount, rowCount);
        float l2 = Decisions.L2(settings.Penalties, scaling.IsOn, wideness, scaling.RowNorm, scaling.SparseRowNorm, rowCount, previous?.L2);
        var coordinates = Coordinates.Begin(settings, rows, l2, previous, cancellation);
        long before = coordinates.AreThoseOfBefore ? previous!.Parameters.StepCount : 0;
        HighLeverageRows inEveryBatch = Decisions.LooksForHighLeverage(settings, scaling.LargestValue, rows.Weights.Largest / rows.Weights.Mean)
            ? Find(rows, settings, coordinates, cancellation) : HighLeverageRows.None;
        return Round(settings, rows, l2, coordinates, numberInCoordinates: 0, before, settings.LearningRate.IsConstant ? before : 0, inEveryBatch,
            distance: null);
    }

    /// <summary>A round after others of the same training.</summary>
    /// <param name="context">What all rounds share.</param>
    /// <param name="last">The round before.</param>
    /// <param name="coordinates">The coordinates: those of the last round, or others.</param>
    /// <param name="stepsOfLast">Steps of the last round and those that it continued.</param>
    /// <param name="distance">How far the optimum is from where the round begins.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Decided Next(RoundContext context, Decided last, Coordinates coordinates, long stepsOfLast, Distance distance)
    {
        bool isSame = coordinates == last.Coordinates;
        HighLeverageRows inEveryBatch = isSame && last.NumberInCoordinates > 0 ? last.InEveryBatch
            : Find(context.Rows, context.Settings, coordinates, context.Cancellation);
        // What the rule has learned about the size of gradients holds for the same ones only.
        bool hasSameGradients = isSame && inEveryBatch.Count == last.InEveryBatch.Count;
        return Round(context.Settings, context.Rows, last.L2, coordinates, isSame ? last.NumberInCoordinates + 1 : 0,
            hasSameGradients ? stepsOfLast : 0, averagedBefore: 0, inEveryBatch, distance);
    }

    /// <summary>A later round that was saved in the middle.</summary>
    /// <inheritdoc cref="Next" path="/exception"/>
    public static Decided Restore(RoundContext context, float l2, TrainingState saved)
    {
        var coordinates = Coordinates.Restore(context.Rows, l2, saved.Parameters.Whitening);
        return Round(context.Settings, context.Rows, l2, coordinates, saved.Round.NumberInCoordinates, saved.StepsBefore, averagedBefore: 0,
            Find(context.Rows, context.Settings, coordinates, context.Cancellation), saved.Round.Distance);
    }

    /// <summary>
    /// The first step, counted from 0, that is averaged. The count includes the steps of the previous training. At a constant rate the average covers
    /// the last share of all steps, so that two trainings in a row equal one. Any other schedule starts again with each training, and the average
    /// with it.
    /// </summary>
    public long FirstAveragedStep(ParameterState? before)
    {
        long first = StepsBefore + Plan.TotalSteps - Plan.AveragedSteps;
        return first >= StepsBefore || first == before?.FirstAveragedStep ? first : StepsBefore;
    }

    private static HighLeverageRows Find(TrainingRows rows, TrainingSettings settings, Coordinates coordinates, CancellationToken cancellation) =>
        HighLeverageRows.Find(rows.Training, coordinates, settings.Plan.BatchSize, settings.Plan.Seed, cancellation);

    private static Decided Round(TrainingSettings settings, TrainingRows rows, float l2, Coordinates coordinates, int numberInCoordinates,
        long stepsBefore, long averagedBefore, HighLeverageRows inEveryBatch, Distance? distance)
    {
        bool isShort = Decisions.BeginsShort(settings, coordinates.IsOfAllColumns);
        float rate = Decisions.LearningRate(settings.LearningRate.Initial, settings.Reading.Standardize, coordinates.RowNorm);
        TrainingPlan plan = Decisions.Plan(rows.Training.RowCount, settings.Plan, Decisions.StepsOfRound(isShort, rate, numberInCoordinates),
            fewestEpochs: isShort ? 1 : 2, averagedBefore,
            decaySteps: !isShort ? double.PositiveInfinity : distance is null ? Decisions.StepsToOptimum(rate) : 0);
        bool isConstant = isShort && Decisions.IsConstant(plan, isLater: distance is not null);
        float factor = distance is not { } far ? 1
            : isConstant ? Decisions.RateOfConstantRound(far.ToOptimum, rate * (double)plan.TotalSteps) : isShort
            ? Decisions.RateOfRound(far.ToOptimum, far.Noise / Math.Sqrt(plan.BatchSize), rate * (double)plan.TotalSteps, far.Failures)
            : Decisions.RateOfRound(numberInCoordinates);
        var learningRate = new LearningRateSettings(rate * factor, isConstant ? LearningRateSchedule.Constant
            : Decisions.Schedule(settings.LearningRate.Schedule, settings.Plan.NumberOfEpochs, plan));
        bool updatesLazily = coordinates.Whitening is not { ChangesSparse: true }
            && Decisions.UpdatesLazily(settings, rows.Layout.SparseCount, rows.Training.IsDivided);
        return new(l2, coordinates, numberInCoordinates, stepsBefore, plan, learningRate, updatesLazily, inEveryBatch);
    }
}

/// <summary>Where a round begins, in coordinates in which the columns are uncorrelated with variance 1; labels have variance 1 too.</summary>
/// <param name="ToOptimum">The length of the way to the optimum.</param>
/// <param name="Noise">RMSE at the optimum, which makes the noise of the gradients.</param>
/// <param name="Failures">Rounds since the last one that came nearer.</param>
internal readonly record struct Distance(double ToOptimum, double Noise, int Failures);
