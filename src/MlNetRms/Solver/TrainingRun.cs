using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;


namespace MlNetRms.Solver;

/// <summary>One training: wires rows, parameters, objective and loop together, evaluates the epochs, and decides which weights are returned.</summary>
internal sealed class TrainingRun : IDisposable
{
    /// <summary>Bytes that are read in sequence before the next random jump; long enough for the memory to be at full speed.</summary>
    private const int RunBytes = 1 << 20;

    /// <summary>Values of rows and weights a thread goes through in less than a millisecond; time enough between two looks at the clock.</summary>
    private const long ValuesBetweenReports = 1 << 18;

    private readonly TrainingIdentity _identity;
    private readonly Scaling _scaling;
    private readonly Job _job;
    private readonly Parameters _parameters;
    private readonly IBatches _batches;
    private readonly Loop _loop;
    private readonly ReturnedWeights _returned;
    private readonly MeanLoss? _validation;
    private readonly BestEpoch? _best;
    private readonly ProgressMeter _progress;
    private readonly int _epochsBefore;
    private readonly long _stepsBefore;
    private int _epoch;
    private StopReason _stopReason = StopReason.AllEpochsCompleted;

    /// <param name="rows">Rows to train on and to evaluate with, in the units of training.</param>
    /// <param name="settings">All settings.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="cancellation">Ends the training.</param>
    /// <param name="progress">Told how far the training is; null for nobody.</param>
    public TrainingRun(TrainingRows rows, TrainingSettings settings, TrainingStart start, CancellationToken cancellation, ProgressMeter? progress = null)
    {
        _progress = progress ?? new ProgressMeter(receiver: null, TimeProvider.System, () => { });
        _identity = TrainingIdentity.Of(rows.Scaling.Columns.FeatureCount, settings);
        _scaling = rows.Scaling;
        _job = rows.Job;
        TrainingState? previous = start.Previous;
        L2 = AutomaticSettings.Ridge(settings, rows, previous);
        Coordinates = new Coordinates(settings, rows, L2, previous, cancellation);
        bool keepsState = Coordinates.AreThoseOfBefore;
        _epochsBefore = previous?.TotalEpochs ?? 0;
        _stepsBefore = keepsState ? previous!.Parameters.StepCount : 0;
        RowSet training = rows.Training;
        Plan = TrainingPlan.Of(training.RowCount, settings.Plan, settings.LearningRate.IsConstant ? _stepsBefore : 0,
            AutomaticSettings.MayVisitOnce(settings, rows, Coordinates));
        LearningRateSettings learningRate = AutomaticSettings.LearningRate(settings, Plan, Coordinates.Energy);
        LearningRate = learningRate.Initial;
        Schedule = learningRate.Schedule;
        var layout = new ParameterLayout(rows.Layout);
        // The gradient of touched weights is not a sum that could be exchanged.
        UpdatesTouchedOnly = !training.IsDivided && ParameterSetup.CanBeLazy(layout, settings.Rule, settings.Penalties, settings.LearningRate);
        var loss = new StandardizedLoss(settings.Loss, rows.Scaling, training, cancellation);
        FirstWeights = start.Weights(rows.Scaling, settings.Plan);
        if (previous is not null && !keepsState)
            FirstWeights = NotWorseThanNone(FirstWeights, rows, new MeanLoss(training, loss, cancellation));
        bool mayEndEarly = rows.Validation is not null || settings.HasEpochCallback;
        var averaging = new AveragingPlan(_stepsBefore, FirstAveragedStep(previous), mayEndEarly ? Plan.RunningSteps : 0);
        LazySetup? lazy = !UpdatesTouchedOnly ? null : new LazySetup(L2 > 0 ? RidgeByPlace(layout, rows.Scaling) : null,
            SparseParts.Ends(layout, rows.Scaling, Plan.BatchSize, settings.Plan.NumberOfThreads));
        _parameters = new Parameters(
            new ParameterSetup(layout, settings.Rule, learningRate.Initial, averaging, Coordinates.Transform, lazy), FirstWeights);
        if (keepsState)
            _parameters.Restore(previous!.Parameters.Rearranged(previous.Scaling.Columns, rows.Scaling.Columns) with { EarlierCount = 0, EarlierSums = [] });

        var zeros = new ExactZeros(training, loss, settings.Penalties, cancellation);
        _returned = new ReturnedWeights(_parameters, rows.Scaling, loss, zeros);
        _validation = rows.Validation is null ? null : new MeanLoss(rows.Validation, loss, cancellation);
        _best = settings.Stopping is { } stopping ? new BestEpoch(Plan.PatienceInEpochs(stopping), stopping.MinimumImprovement) : null;
        var penalties = new Penalties(settings.Penalties, L2, layout);
        bool isPenalized = L2 > 0 || settings.Penalties is not { L1: 0, NonNegativeWeights: false };
        Evaluation = new Evaluation(rows, loss, Coordinates.Decorrelation, isPenalized, cancellation);
        History = new EpochHistory(Plan.NumberOfEpochs, training.RowCount, loss.ReportFactor);
        // Last, because it starts threads.
        _batches = Batches(training, rows.Job, loss, settings.Plan, cancellation);
        long valuesPerStep = (long)Plan.BatchSize * rows.Layout.Stride + layout.Length;
        _loop = new Loop(_batches, penalties, _parameters, learningRate, Plan, _progress, stepsBetweenReports: (int)Math.Max(1, ValuesBetweenReports / valuesPerStep));
    }

    public TrainingPlan Plan { get; }

    /// <summary>η before the schedule as it takes effect.</summary>
    public float LearningRate { get; }

    /// <summary>The schedule as it takes effect.</summary>
    public LearningRateSchedule Schedule { get; }

    /// <summary>How well weights fit the training rows.</summary>
    public Evaluation Evaluation { get; }

    /// <summary>λ of the L2 penalty as it takes effect.</summary>
    public float L2 { get; }

    /// <summary>The coordinates in which the weights of dense columns are stepped.</summary>
    public Coordinates Coordinates { get; }

    /// <summary>The weights as they are, by column, the bias last, in the units of training.</summary>
    public double[] Weights => Array.ConvertAll(_parameters.Layout.ByColumn(_parameters.Values), weight => (double)weight);

    /// <summary>The weights to begin with, by column, the bias last, in the units of training.</summary>
    public float[] FirstWeights { get; }

    /// <summary>What happened so far.</summary>
    public EpochHistory History { get; }

    /// <summary>Threads that take part.</summary>
    public int NumberOfThreads => Math.Max(_batches.NumberOfThreads, _parameters.RangeCount);

    /// <summary>Whether a step changes only those weights of sparse columns that its batch touches (<see cref="LazyWeights"/>).</summary>
    public bool UpdatesTouchedOnly { get; }

    /// <summary>Minimises the mean loss plus the penalties.</summary>
    /// <param name="epochCompleted">Called after each epoch; returns whether to continue.</param>
    /// <param name="checkpoint">Saves the run now and then; null for never.</param>
    /// <exception cref="DivergedException">The loss, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public FitResult Run(Func<EpochReport, bool> epochCompleted, Checkpoint? checkpoint = null)
    {
        Action? betweenSteps = checkpoint is null ? null : checkpoint.BetweenSteps;
        History.Start();
        _progress.BeginTraining(Plan, History.RowCount, History.LossFactor, _loop.Step);
        while (_stopReason == StopReason.AllEpochsCompleted && _epoch < Plan.NumberOfEpochs)
        {
            EpochResult result = RunEpoch(betweenSteps);
            if (_validation is not null)
            {
                // Cancelled here, the epoch is still the current one, with no step left.
                double[] weights = _returned.Current();
                result = result with { ValidationLoss = _validation.Of(weights) };
                if (_best is not null && !_best.Add(_epoch + 1, result.ValidationLoss.Value, weights))
                    _stopReason = StopReason.NoImprovement;
            }
            _epoch++;
            _loop.EndEpoch();
            if (_job.Any(!epochCompleted(History.Add(result))))
                _stopReason = StopReason.StoppedByCallback;
            checkpoint?.AfterEpoch(_epoch);
        }
        _progress.End();
        return _best?.State is { } best
            ? new FitResult(best.Weights, _stopReason, best.Epoch, Save())
            : new FitResult(_returned.Current(), _stopReason, _epoch, Save());
    }

    /// <summary>All of the training after the last step, as plain data.</summary>
    public TrainingState Save() => new(
        _identity, Plan, _scaling, L2, _parameters.Save(), _epochsBefore, _stepsBefore, _epoch, _loop.Part, _stopReason, _best?.State, [.. History.Reports],
        History.Elapsed);

    /// <summary>Continues where another run of the same rows and settings was saved.</summary>
    public void Resume(TrainingState saved)
    {
        _parameters.Restore(saved.Parameters);
        _epoch = saved.Epoch;
        _stopReason = saved.StopReason;
        _loop.Restore((long)saved.Epoch * Plan.StepsPerEpoch + saved.Part.Steps, saved.Part);
        if (_best is not null)
            _best.State = saved.Best;
        History.Restore(saved.Reports, saved.Elapsed);
    }

    public void Dispose()
    {
        _batches.Dispose();
        _parameters.Dispose();
    }

    private EpochResult RunEpoch(Action? betweenSteps)
    {
        // What has failed since the last epoch, such as the writing of a checkpoint, has failed outside a step.
        _job.Agree();
        try
        {
            return _loop.Run(_epoch + 1, orderNumber: _epochsBefore + _epoch, betweenSteps);
        }
        catch (Exception exception) when (exception is not DivergedException && _loop.Part.Steps < Plan.StepsPerEpoch)
        {
            _batches.Leave();
            throw;
        }
    }

    private IBatches Batches(RowSet rows, Job job, StandardizedLoss loss, PlanSettings settings, CancellationToken cancellation)
    {
        int runLength = Math.Max(1, RunBytes / (sizeof(float) * rows.Layout.Stride) / Plan.BatchSize);
        if (rows.IsDivided)
        {
            return new DividedBatches(rows, Plan, runLength, settings,
                new PartsGradient(rows, _parameters, loss, Plan.BatchSize, settings.NumberOfThreads, cancellation), new AllReduce(job, _parameters.GradientLength));
        }
        var all = new PartOfBatches(Number: 0, rows.RowCount, Plan.StepsPerEpoch, FirstLong: 0);
        return new UndividedBatches(new BatchOrder(all, runLength, settings.Shuffle, settings.Seed),
            new BatchGradient(rows.Parts[0], _parameters, loss, Plan.BatchSize, settings.NumberOfThreads, cancellation));
    }

    /// <summary>Weights of columns of quite another correlation can be so far off that no training comes back.</summary>
    private static float[] NotWorseThanNone(float[] weights, TrainingRows rows, MeanLoss loss)
    {
        var none = new float[weights.Length];
        none[^1] = (float)rows.Scaling.ScaledLabelMean;
        return Loss(weights) <= Loss(none) ? weights : none;

        double Loss(float[] byColumn) => loss.Of(Array.ConvertAll(byColumn, weight => (double)weight));
    }

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

/// <summary>What a training gave.</summary>
/// <param name="Weights">The weights to return: of all columns, then the bias, in the units of training.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="ReturnedEpoch">The epoch whose weights were returned.</param>
/// <param name="State">All that a later training needs to continue.</param>
internal sealed record FitResult(double[] Weights, StopReason StopReason, int ReturnedEpoch, TrainingState State);

/// <summary>What would be returned if training ended now: the same weights are evaluated on validation rows and returned.</summary>
internal sealed class ReturnedWeights(Parameters parameters, Scaling scaling, StandardizedLoss loss, ExactZeros zeros)
{
    /// <returns>Weights of all columns, then the bias, in the units of training.</returns>
    public double[] Current()
    {
        double[] weights = parameters.Mean();
        if (zeros.IsNeeded)
            zeros.Apply(weights);
        if (loss.IsSquared && scaling.IsOn)
            weights[^1] = OptimalBias(weights);
        return weights;
    }

    /// <summary>The bias that makes the mean residual on the training rows 0: ȳ − Σ w·x̄.</summary>
    private double OptimalBias(double[] weights)
    {
        double bias = scaling.ScaledLabelMean;
        for (int column = 0; column < weights.Length - 1; column++)
            bias -= weights[column] * scaling.ScaledMean(column);
        return bias;
    }
}

/// <summary>Early stopping: the best epoch so far, its weights, and whether to wait any longer for a better one.</summary>
/// <param name="patience">Epochs without an improvement after which training ends.</param>
/// <param name="minimumImprovement">How much smaller than the best a loss must be, relative to it.</param>
internal sealed class BestEpoch(long patience, float minimumImprovement)
{
    /// <summary>The best epoch so far; null before the first.</summary>
    public BestEpochState? State { get; set; }

    /// <summary>Takes in an epoch.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="loss">Its validation loss.</param>
    /// <param name="weights">The weights that were evaluated.</param>
    /// <returns>Whether to continue.</returns>
    public bool Add(int epoch, double loss, double[] weights)
    {
        // NaN never counts as an improvement.
        double evaluated = double.IsNaN(loss) ? double.PositiveInfinity : loss;
        if (State is not { } best || evaluated < best.Loss - minimumImprovement * Math.Abs(best.Loss))
        {
            State = new BestEpochState(epoch, evaluated, weights);
            return true;
        }
        return epoch - best.Epoch < patience;
    }
}

/// <summary>The epoch with the lowest validation loss so far, and its weights by column, the bias last.</summary>
internal sealed record BestEpochState(int Epoch, double Loss, double[] Weights);

internal static class InitialWeights
{
    /// <summary>Weights of all columns from N(0, σ²), one number a column wherever the column is stored, then a bias of 0.</summary>
    public static float[] Of(ActiveFeatures columns, PlanSettings settings)
    {
        var weights = new float[columns.Count + 1];
        var random = new SeededRandom(settings.Seed, RandomStream.InitialWeights);
        for (int column = 0; settings.InitialWeightsStandardDeviation > 0 && column < columns.Count; column++)
            weights[column] = (float)(settings.InitialWeightsStandardDeviation * random.Gaussian(columns[column]));
        return weights;
    }
}
