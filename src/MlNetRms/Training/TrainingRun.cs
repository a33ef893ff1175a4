using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Objective;
using MlNetRms.Rules;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>One training: wires rows, parameters, objective and loop together, evaluates the epochs, and decides which weights are returned.</summary>
internal sealed class TrainingRun : IDisposable
{
    /// <summary>Bytes that are read in sequence before the next random jump; long enough for the memory to be at full speed.</summary>
    private const int RunBytes = 1 << 20;

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

    /// <summary>
    /// Most dense columns that are decorrelated. The eigenvectors take 0.1 s for 320 columns, 0.6 s for 512, 1.2 s for 768 and 3.9 s for 1024,
    /// whatever the number of rows, and a training of 20 000 rows 0.1 to 0.2 s without them; but at correlation 0.5 of all pairs an excess
    /// of 0.001 % becomes 0.08 % with 512, and far more where the condition is worse. Of more columns only the leading directions are scaled.
    /// </summary>
    private const int MostDecorrelated = 512;

    /// <summary>With so many rows for each direction one visit to each row leaves an expected RMSE 0.0005 % above that of least squares.</summary>
    private const long RowsPerDirection = 25_000;
    private const double FewestRowsOfAVariance = 1000;

    private readonly TrainingIdentity _identity;
    private readonly Scaling _scaling;
    private readonly Parameters _parameters;
    private readonly BatchGradient _objective;
    private readonly EpochLoop _loop;
    private readonly ReturnedWeights _returned;
    private readonly MeanLoss? _validation;
    private readonly BestEpoch? _best;
    private readonly int _epochsBefore;
    private readonly long _stepsBefore;
    private int _epoch;
    private StopReason _stopReason = StopReason.AllEpochsCompleted;

    /// <param name="rows">Rows to train on and to evaluate with, in the units of training.</param>
    /// <param name="settings">All settings.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="cancellation">Ends the training.</param>
    public TrainingRun(TrainingRows rows, TrainingSettings settings, TrainingStart start, CancellationToken cancellation)
    {
        _identity = TrainingIdentity.Of(rows.Layout.ColumnCount, settings);
        _scaling = rows.Scaling;
        TrainingState? previous = start.Previous;
        DenseCovariance? covariance = CovarianceOf(settings, rows, cancellation);
        LeadingDirections? leading = LeadingOf(settings, rows, cancellation);
        bool keepsState = previous is not null && !rows.Scaling.HasNewUnits && previous.Parameters.Transform switch
        {
            Decorrelation directions => covariance is not null && directions.Fits(covariance),
            LeadingDecorrelation directions => directions.Fits(leading),
            _ => true,
        };
        _epochsBefore = previous?.TotalEpochs ?? 0;
        _stepsBefore = keepsState ? previous!.Parameters.StepCount : 0;
        RowStore training = rows.Training;
        var layout = new ParameterLayout(rows.Layout);
        var rule = new RmsPropRule(settings.Rule);
        L2 = RidgeOf(settings, rows);
        UpdatesTouchedOnly = Parameters.CanUpdateTouchedOnly(layout, rule, settings.Penalties, settings.LearningRate);
        Transform = keepsState ? previous!.Parameters.Transform
            : leading is not null ? new LeadingDecorrelation(leading) : DecorrelationOf(settings, rows, covariance, L2);
        Plan = TrainingPlan.Of(training.RowCount, settings.Plan, settings.LearningRate.IsConstant ? _stepsBefore : 0, MayVisitOnce(settings, training));
        double denseEnergy = rows.Scaling.Energy - rows.Scaling.SparseEnergy;
        double energy = rows.Scaling.SparseEnergy + (Transform?.Energy(denseEnergy) ?? denseEnergy);
        LearningRateSettings learningRate = LearningRateOf(settings, Plan, energy);
        _parameters = new Parameters(layout, rule, UpdatesTouchedOnly, learningRate.Initial, FirstAveragedStep(previous),
            start.Weights(rows.Scaling) ?? InitialWeights.Of(layout.ColumnCount, settings.Plan),
            L2 > 0 && UpdatesTouchedOnly ? RidgeByPlace(layout, rows.Scaling) : null, Transform);
        if (keepsState)
            _parameters.Restore(previous!.Parameters);

        var loss = new StandardizedLoss(settings.Loss, rows.Scaling, training, cancellation);
        var zeros = new ExactZeros(training, loss, settings.Penalties, cancellation);
        _returned = new ReturnedWeights(_parameters, rows.Scaling, loss, zeros);
        _validation = rows.Validation is null ? null : new MeanLoss(rows.Validation, loss, cancellation);
        _best = settings.Stopping is null ? null : new BestEpoch(settings.Stopping);
        int runLength = Math.Max(1, RunBytes / (sizeof(float) * rows.Layout.Stride) / Plan.BatchSize);
        var order = new BatchOrder(training.RowCount, Plan.BatchSize, runLength, settings.Plan.Shuffle, settings.Plan.Seed);
        var penalties = new Penalties(settings.Penalties, L2, layout);
        LearningRate = learningRate.Initial;
        bool isPenalized = L2 > 0 || settings.Penalties is not { L1: 0, NonNegativeWeights: false };
        Evaluation = new FitEvaluation(rows, loss, Transform as Decorrelation, isPenalized, cancellation);
        ConditionNumber = covariance is null ? null : (Transform as Decorrelation ?? new Decorrelation(covariance, l2: 0)).ConditionNumber;
        History = new EpochHistory(Plan.NumberOfEpochs, training.RowCount, loss.ReportFactor);
        // Last, because it starts threads.
        _objective = new BatchGradient(training, _parameters, loss, Plan.BatchSize, settings.Plan.NumberOfThreads, cancellation);
        _loop = new EpochLoop(order, _objective, SingleProcess.Instance, penalties, _parameters, learningRate, Plan);
    }

    public TrainingPlan Plan { get; }

    /// <summary>η before the schedule as it takes effect.</summary>
    public float LearningRate { get; }

    /// <summary>Condition number of the dense columns; null where it is not known.</summary>
    public double? ConditionNumber { get; }

    /// <summary>How well weights fit the training rows.</summary>
    public FitEvaluation Evaluation { get; }

    /// <summary>λ of the L2 penalty as it takes effect.</summary>
    public float L2 { get; }

    /// <summary>The coordinates in which the weights of dense columns are stepped; null where their weights are stepped as they are.</summary>
    public IWeightTransform? Transform { get; }

    /// <summary>What happened so far.</summary>
    public EpochHistory History { get; }

    /// <summary>Threads that take part.</summary>
    public int NumberOfThreads => _objective.NumberOfThreads;

    /// <summary>Whether a step changes only those weights of sparse columns that its batch touches (<see cref="TouchedWeights"/>).</summary>
    public bool UpdatesTouchedOnly { get; }

    /// <summary>Minimises the mean loss plus the penalties.</summary>
    /// <param name="epochCompleted">Called after each epoch; returns whether to go on.</param>
    /// <exception cref="DivergedException">The loss, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public FitResult Run(Func<EpochReport, bool> epochCompleted)
    {
        History.Start();
        while (_stopReason == StopReason.AllEpochsCompleted && _epoch < Plan.NumberOfEpochs)
        {
            EpochResult result = _loop.Run(_epoch + 1, orderNumber: _epochsBefore + _epoch);
            _epoch++;
            if (_validation is not null)
            {
                double[] weights = _returned.Current();
                result = result with { ValidationLoss = _validation.Of(weights) };
                if (_best is not null && !_best.Add(_epoch, result.ValidationLoss.Value, weights))
                    _stopReason = StopReason.NoImprovement;
            }
            if (!epochCompleted(History.Add(result)))
                _stopReason = StopReason.StoppedByCallback;
        }
        return _best?.State is { } best
            ? new FitResult(best.Weights, _stopReason, best.Epoch, Save())
            : new FitResult(_returned.Current(), _stopReason, _epoch, Save());
    }

    /// <summary>All of the training after the last completed epoch, as plain data.</summary>
    public TrainingState Save() =>
        new(_identity, Plan, _scaling, _parameters.Save(), _epochsBefore, _stepsBefore, _epoch, _stopReason, _best?.State, [.. History.Reports]);

    /// <summary>Goes on where another run of the same rows and settings was saved.</summary>
    public void Resume(TrainingState saved)
    {
        _parameters.Restore(saved.Parameters);
        _epoch = saved.Epoch;
        _stopReason = saved.StopReason;
        _loop.Step = (long)saved.Epoch * Plan.StepsPerEpoch;
        if (_best is not null)
            _best.State = saved.Best;
        History.Restore(saved.Reports);
    }

    public void Dispose() => _objective.Dispose();

    private static LearningRateSettings LearningRateOf(TrainingSettings settings, TrainingPlan plan, double energy)
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

    /// <summary>λ where the settings leave it open: adaptive steps find poor solutions among the many of a wide set.</summary>
    private static float RidgeOf(TrainingSettings settings, TrainingRows rows)
    {
        if (settings.Penalties.L2 is { } given)
            return given;
        Scaling scaling = rows.Scaling;
        if (!scaling.IsOn || scaling.Wideness == 0 || settings.Penalties.L1 > 0)
            return 0;
        double energy = scaling.Wideness * (scaling.Energy - scaling.SparseEnergy) + scaling.SparseEnergy;
        return (float)(WideRidge * energy / rows.Training.RowCount);
    }

    /// <summary>Of the dense columns, where it is wanted or affordable; null otherwise.</summary>
    private static DenseCovariance? CovarianceOf(TrainingSettings settings, TrainingRows rows, CancellationToken cancellation) =>
        rows.Scaling.IsOn && rows.Layout.DenseCount > 0 && (settings.Decorrelate == true || rows.Layout.DenseCount is > 1 and <= MostDecorrelated)
            ? DenseCovariance.Of(rows.Training, cancellation) : null;

    /// <summary>Of more dense columns than are decorrelated, where no option forbids it; null otherwise, and where none stand out.</summary>
    private static LeadingDirections? LeadingOf(TrainingSettings settings, TrainingRows rows, CancellationToken cancellation) =>
        rows.Scaling is { IsOn: true, IsPareto: false } && settings.Decorrelate is null && !settings.Penalties.NeedsWeights
        && rows.Layout.DenseCount > MostDecorrelated
            ? LeadingDirections.Of(rows.Training, cancellation) : null;

    private static Decorrelation? DecorrelationOf(TrainingSettings settings, TrainingRows rows, DenseCovariance? covariance, float l2)
    {
        bool wanted = settings.Decorrelate
            ?? (!settings.Penalties.NeedsWeights && rows.Layout.DenseCount is > 1 and <= MostDecorrelated);
        return wanted && covariance is not null ? new Decorrelation(covariance, l2) : null;
    }

    /// <summary>
    /// Early stopping needs epochs to choose from, correlated columns need the steps, and a column whose variance is that of a few rows needs to see
    /// them again: in units of its deviation, a value of one in k rows is √k.
    /// </summary>
    private bool MayVisitOnce(TrainingSettings settings, RowStore rows) =>
        settings.Plan.NumberOfEpochs is null && settings.Stopping is null && settings.LearningRate.Schedule == LearningRateSchedule.Default
        && !_scaling.IsSparse.Contains(true) && Transform is Decorrelation { DirectionCount: var directions }
        && rows.RowCount >= RowsPerDirection * directions
        && rows.RowCount >= FewestRowsOfAVariance * Math.Pow(rows.LargestDenseMagnitude(), 2);

    private float[] RidgeByPlace(ParameterLayout layout, Scaling scaling)
    {
        var ridge = new float[layout.SparseLength];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            int place = layout.Position(column) - layout.DenseLength;
            if (place >= 0 && scaling.NonZeroShare(column) > 0)
                ridge[place] = (float)(L2 / scaling.NonZeroShare(column));
        }
        return ridge;
    }

    /// <summary>
    /// Counted with the steps before. At a constant rate the average covers the last share of all steps, so that two trainings in turn
    /// are one; with another schedule, which starts again with each training, so does the average.
    /// </summary>
    private long FirstAveragedStep(TrainingState? previous)
    {
        long first = _stepsBefore + Plan.TotalSteps - Plan.AveragedSteps;
        return first >= _stepsBefore || first == previous?.Parameters.FirstAveragedStep ? first : _stepsBefore;
    }
}
