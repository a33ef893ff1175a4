using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// One training: decides what the options leave open (<see cref="Decided"/>), wires parameters, gradient and loop together, evaluates the epochs,
/// and chooses the weights to return.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    /// <summary>A thread processes this many values of rows and weights in less than a millisecond, often enough to look at the clock.</summary>
    private const long ValuesBetweenReports = 1 << 18;

    private readonly IReadOnlyList<NamedText> _meaning;
    private readonly Decided _decided;
    private readonly Scaling _scaling;
    private readonly Job _job;
    private readonly Parameters _parameters;
    private readonly Batches _batches;
    private readonly Loop _loop;
    private readonly ReturnedWeights _returned;
    private readonly MeanLoss? _validation;
    private readonly BestEpoch? _best;
    private readonly ProgressMeter _progress;
    private readonly int _epochsBefore;
    private int _epoch;
    private StopReason _stopReason = StopReason.AllEpochsCompleted;

    /// <param name="rows">Rows to train on and to evaluate with, in the units of training.</param>
    /// <param name="settings">All settings.</param>
    /// <param name="start">The point at which training begins.</param>
    /// <param name="cancellation">Ends the training.</param>
    /// <param name="progress">Receives the progress; null for none.</param>
    public TrainingRun(TrainingRows rows, TrainingSettings settings, TrainingStart start, CancellationToken cancellation,
        ProgressMeter? progress = null)
    {
        _progress = progress ?? new ProgressMeter(receiver: null, TimeProvider.System, () => { });
        _meaning = settings.Meaning;
        _scaling = rows.Scaling;
        _job = rows.Job;
        _epochsBefore = start.Previous?.TotalEpochs ?? 0;
        _decided = new Decided(settings, rows, start.Previous, cancellation);
        RowSet training = rows.Training;
        var loss = new StandardizedLoss(settings.Loss, rows.Scaling, training, cancellation);

        FirstWeights = ChooseFirstWeights(rows, settings, start, new MeanLoss(training, loss, cancellation));
        _parameters = NewParameters(rows, settings, start.Previous);
        _returned = new ReturnedWeights(_parameters, rows.Scaling, loss, new ExactZeros(training, loss, settings.Penalties, cancellation));

        _validation = rows.Validation is null ? null : new MeanLoss(rows.Validation, loss, cancellation);
        _best = settings.Stopping is { } stopping ? new BestEpoch(Plan.PatienceInEpochs(stopping), stopping.MinimumImprovement) : null;
        bool isPenalized = L2 > 0 || settings.Penalties is not { L1: 0, NonNegativeWeights: false };
        Evaluation = new Evaluation(rows, loss, Coordinates.WhiteningOfAll, isPenalized, cancellation);
        History = new EpochHistory(Plan.NumberOfEpochs, training.RowCount, loss.ReportFactor);

        // Last, because it starts threads.
        _batches = new Batches(training, Plan, settings.Plan,
            new BatchGradient(training, _parameters, loss, Plan.BatchSize, settings.Plan.NumberOfThreads, cancellation),
            training.IsDivided ? new AllReduce(rows.Job, _parameters.GradientLength) : null);
        _loop = new Loop(_batches, new Penalties(settings.Penalties, L2, _parameters.Layout), _parameters, _decided.LearningRate, Plan, _progress,
            stepsBetweenReports: (int)Math.Max(1, ValuesBetweenReports / ((long)Plan.BatchSize * rows.Layout.Stride + _parameters.Layout.Length)));
    }

    public TrainingPlan Plan => _decided.Plan;

    /// <summary>η before the schedule as it takes effect.</summary>
    public float LearningRate => _decided.LearningRate.Initial;

    /// <summary>The schedule as it takes effect.</summary>
    public LearningRateSchedule Schedule => _decided.LearningRate.Schedule;

    /// <summary>λ of the L2 penalty as it takes effect.</summary>
    public float L2 => _decided.L2;

    /// <summary>The coordinates in which the weights of dense columns are stepped.</summary>
    public Coordinates Coordinates => _decided.Coordinates;

    /// <summary>Whether a step changes only those weights of sparse columns that have a value in its batch (<see cref="LazyWeights"/>).</summary>
    public bool UpdatesLazily => _decided.UpdatesLazily;

    /// <summary>How well weights fit the training rows.</summary>
    public Evaluation Evaluation { get; }

    /// <summary>The current weights by column, the bias last, in the units of training.</summary>
    public double[] Weights => Array.ConvertAll(_parameters.Layout.ByColumn(_parameters.Values), weight => (double)weight);

    /// <summary>The first weights by column, the bias last, in the units of training.</summary>
    public float[] FirstWeights { get; }

    /// <summary>What happened so far.</summary>
    public EpochHistory History { get; }

    /// <summary>Threads that the training uses.</summary>
    public int NumberOfThreads => Math.Max(_batches.NumberOfThreads, _parameters.RangeCount);

    /// <summary>Minimises the mean loss plus the penalties.</summary>
    /// <param name="epochCompleted">Called after each epoch; returns whether to continue.</param>
    /// <param name="checkpoint">Saves the run from time to time; null for never.</param>
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
                // If it is cancelled here, the epoch is still the current one, with no step left.
                double[] weights = _returned.Current();
                result = result with { ValidationLoss = _validation.Compute(weights) };
                if (_best is not null && !_best.Add(_epoch + 1, result.ValidationLoss.Value, weights))
                    _stopReason = StopReason.NoImprovement;
            }
            _epoch++;
            _loop.EndEpoch();
            EpochReport report = History.Add(result);
            bool isStopWanted = !epochCompleted(report);
            if (_job.Any(isStopWanted))
                _stopReason = StopReason.StoppedByCallback;
            checkpoint?.AfterEpoch(_epoch);
        }
        _progress.End();
        return _best?.State is { } best
            ? new FitResult(best.Weights, _stopReason, best.Epoch, Save())
            : new FitResult(_returned.Current(), _stopReason, _epoch, Save());
    }

    /// <summary>The whole state after the last step, as plain data.</summary>
    public TrainingState Save() => new(
        _meaning, Plan, _scaling, L2, _parameters.Save(), _epochsBefore, _decided.StepsBefore, _epoch, _loop.Part, _stopReason, _best?.State,
        [.. History.Reports], History.Elapsed);

    /// <summary>Continues at the point where another run of the same rows and settings was saved.</summary>
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
        // A failure since the last epoch, such as that of writing a checkpoint, was outside a step.
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

    /// <summary>
    /// The weights of the model or training to start from, or else the initial ones. If the columns are now correlated in a very different way, the
    /// previous weights can be so far off that training cannot recover: it then starts from weights of 0.
    /// </summary>
    private float[] ChooseFirstWeights(TrainingRows rows, TrainingSettings settings, TrainingStart start, MeanLoss loss)
    {
        float[] weights = start.Weights(rows.Scaling, settings.Plan);
        if (start.Previous is null || Coordinates.AreThoseOfBefore)
            return weights;
        var none = new float[weights.Length];
        none[^1] = (float)rows.Scaling.ScaledLabelMean;
        return LossOf(weights) <= LossOf(none) ? weights : none;

        double LossOf(float[] byColumn) => loss.Compute(Array.ConvertAll(byColumn, weight => (double)weight));
    }

    private Parameters NewParameters(TrainingRows rows, TrainingSettings settings, TrainingState? previous)
    {
        RowLayout layout = rows.Layout;
        bool mayEndEarly = rows.Validation is not null || settings.HasEpochCallback;
        var averaging = new AveragingPlan(_decided.StepsBefore, FirstAveragedStep(previous), mayEndEarly ? Plan.RunningSteps : 0);
        LazySetup? lazy = !UpdatesLazily ? null : new LazySetup(L2 > 0 ? LazyRanges.Ridge(layout, rows.Scaling, L2) : null,
            LazyRanges.Ends(layout, rows.Scaling, Plan.BatchSize, settings.Plan.NumberOfThreads));
        var parameters = new Parameters(
            new ParameterSetup(layout, settings.Rule, LearningRate, averaging, Coordinates.Whitening, lazy), FirstWeights);
        if (Coordinates.AreThoseOfBefore)
        {
            ParameterState before = previous!.Parameters.Rearranged(previous.Scaling.Columns, rows.Scaling.Columns);
            parameters.Restore(before with { EarlierCount = 0, EarlierSums = [] });
        }
        return parameters;
    }

    /// <summary>
    /// The count includes the steps of the previous training. At a constant rate the average covers the last share of all steps, so that two
    /// trainings in a row equal one. Any other schedule starts again with each training, and the average with it.
    /// </summary>
    private long FirstAveragedStep(TrainingState? previous)
    {
        long before = _decided.StepsBefore;
        long first = before + Plan.TotalSteps - Plan.AveragedSteps;
        return first >= before || first == previous?.Parameters.FirstAveragedStep ? first : before;
    }
}

/// <summary>The values that <see cref="Decisions"/> gives for the options and these rows, in the order in which it decides.</summary>
internal sealed class Decided
{
    public Decided(TrainingSettings settings, TrainingRows rows, TrainingState? previous, CancellationToken cancellation)
    {
        Scaling scaling = rows.Scaling;
        RowLayout layout = rows.Layout;
        long rowCount = rows.Training.RowCount;
        double wideness = Decisions.Wideness(scaling.VaryingColumnCount, rowCount);
        L2 = Decisions.L2(settings.Penalties, scaling.IsOn, wideness, scaling.RowNorm, scaling.SparseRowNorm, rowCount, previous?.L2);
        Coordinates = new Coordinates(settings, rows, L2, previous, cancellation);
        StepsBefore = Coordinates.AreThoseOfBefore ? previous!.Parameters.StepCount : 0;
        int? directions = scaling.IsSparse.Contains(true) ? null : Coordinates.WhiteningOfAll?.DirectionCount;
        Plan = Decisions.Plan(rowCount, settings.Plan, settings.LearningRate.IsConstant ? StepsBefore : 0,
            Decisions.MayVisitOnce(settings, directions, rowCount, scaling.LargestValue));
        LearningRate = new LearningRateSettings(
            Decisions.LearningRate(settings.LearningRate.Initial, settings.Reading.Standardize, Coordinates.RowNorm),
            Decisions.Schedule(settings.LearningRate.Schedule, settings.Plan.NumberOfEpochs, Plan));
        UpdatesLazily = Decisions.UpdatesLazily(settings, layout.SparseCount, rows.Training.IsDivided);
    }

    /// <summary>λ of the L2 penalty.</summary>
    public float L2 { get; }

    /// <summary>The coordinates in which the weights of dense columns are stepped.</summary>
    public Coordinates Coordinates { get; }

    /// <summary>Steps of the training whose state is continued.</summary>
    public long StepsBefore { get; }

    public TrainingPlan Plan { get; }

    /// <summary>η before the schedule, and the schedule.</summary>
    public LearningRateSettings LearningRate { get; }

    /// <summary>Whether a step changes only those weights of sparse columns that have a value in its batch.</summary>
    public bool UpdatesLazily { get; }
}

/// <summary>The figures of the sparse columns that <see cref="LazyWeights"/> needs.</summary>
internal static class LazyRanges
{
    /// <summary>
    /// The ends of the ranges of positions, one range per thread. Each range has about the same number of values; few values make a single range.
    /// </summary>
    /// <param name="layout">The order of the parameters.</param>
    /// <param name="scaling">Tells how many values a column has.</param>
    /// <param name="batchSize">Rows of a mini-batch.</param>
    /// <param name="numberOfThreads">Most ranges.</param>
    public static int[] Ends(RowLayout layout, Scaling scaling, int batchSize, int numberOfThreads)
    {
        double[] shares = ByPosition(layout, scaling.NonZeroShare);
        double total = shares.Sum();
        if (!Decisions.SparseThreadsPay(total * batchSize))
            return [shares.Length];
        var ends = new List<int>();
        double sum = 0;
        for (int position = 0; position < shares.Length; position++)
        {
            sum += shares[position];
            if (sum >= total * (ends.Count + 1) / numberOfThreads && ends.Count < numberOfThreads - 1)
                ends.Add(position + 1);
        }
        if (ends.LastOrDefault() < shares.Length)
            ends.Add(shares.Length);
        return [.. ends];
    }

    /// <summary>
    /// λ divided by the share of rows that have a value in the weight's column. Added once per such row, it has the same mean as λ·w in every step.
    /// </summary>
    public static float[] Ridge(RowLayout layout, Scaling scaling, float l2) =>
        Array.ConvertAll(ByPosition(layout, scaling.NonZeroShare), share => share > 0 ? (float)(l2 / share) : 0);

    private static double[] ByPosition(RowLayout layout, Func<int, double> ofColumn)
    {
        var byPosition = new double[layout.SparseCount];
        for (int column = 0; column < layout.ColumnCount; column++)
        {
            int position = layout.Position(column) - layout.DenseLength;
            if (position >= 0)
                byPosition[position] = ofColumn(column);
        }
        return byPosition;
    }
}

/// <summary>The result of a training.</summary>
/// <param name="Weights">The weights to return: of all columns, then the bias, in the units of training.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="ReturnedEpoch">The epoch whose weights were returned.</param>
/// <param name="State">All that a later training needs to continue.</param>
internal sealed record FitResult(double[] Weights, StopReason StopReason, int ReturnedEpoch, TrainingState State);

/// <summary>The weights that would be returned if training ended now. The weights evaluated on validation rows are the same.</summary>
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
    /// <summary>Draws the weights of all columns from N(0, σ²), independently of how columns are stored, then a bias of 0.</summary>
    public static float[] Draw(ActiveFeatures columns, PlanSettings settings)
    {
        var weights = new float[columns.Count + 1];
        var random = new SeededRandom(settings.Seed, RandomStream.InitialWeights);
        for (int column = 0; settings.InitialWeightsStandardDeviation > 0 && column < columns.Count; column++)
            weights[column] = (float)(settings.InitialWeightsStandardDeviation * random.Gaussian(columns[column]));
        return weights;
    }
}
