using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>
/// One training: runs rounds until the weights are near enough to the optimum, evaluates the epochs, and chooses the weights to return.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly RoundContext _context;
    private readonly Job _job;
    private readonly GapMeter _meter;
    private readonly double _tolerance;
    private readonly MeanLoss? _validation;
    private readonly BestEpoch? _best;
    private readonly int _epochsBefore;
    private Round _round;
    private int _roundNumber = 1;
    private int _epoch;
    private BestRound? _bestRound;
    private Distance _distance;
    private Coordinates? _measuring;
    private int _failures;
    private StopReason _stopReason = StopReason.AllEpochsCompleted;

    /// <param name="rows">Rows to train on and to evaluate with, in the units of training.</param>
    /// <param name="settings">All settings.</param>
    /// <param name="start">The point at which training begins.</param>
    /// <param name="cancellation">Ends the training.</param>
    /// <param name="progress">Receives the progress; null for none.</param>
    public TrainingRun(TrainingRows rows, TrainingSettings settings, TrainingStart start, CancellationToken cancellation,
        ProgressMeter? progress = null)
    {
        RowSet training = rows.Training;
        var loss = new StandardizedLoss(settings.Loss, rows.Scaling, training, cancellation);
        _context = new RoundContext(
            rows, settings, loss, progress ?? new ProgressMeter(receiver: null, TimeProvider.System, () => { }), cancellation);
        _job = rows.Job;
        _epochsBefore = start.Previous?.TotalEpochs ?? 0;
        var decided = Decided.First(settings, rows, start.Previous, cancellation);
        (Plan, L2, LearningRate, Coordinates) = (decided.Plan, decided.L2, decided.LearningRate, decided.Coordinates);
        UpdatesLazily = decided.UpdatesLazily;
        MostEpochs = Decisions.AddsRounds(settings, rows.Layout.ColumnCount)
            ? Enumerable.Range(0, Decisions.MostRounds).Sum(number => Plan.NumberOfEpochs << number) : Plan.NumberOfEpochs;
        FirstWeights = ChooseFirstWeights(rows, settings, start, new MeanLoss(training, loss, cancellation));

        _validation = rows.Validation is null ? null : new MeanLoss(rows.Validation, loss, cancellation);
        _best = settings.Stopping is { } stopping ? new BestEpoch(Plan.PatienceInEpochs(stopping), stopping.MinimumImprovement) : null;
        bool isPenalized = L2 > 0 || settings.Penalties is not { L1: 0, NonNegativeWeights: false };
        Evaluation = new Evaluation(rows, settings.Loss, loss, Coordinates, isPenalized, cancellation);
        History = new EpochHistory(MostEpochs, training.RowCount, loss.ReportFactor);
        _meter = new GapMeter(training, new RowPasses(training, loss, settings.Plan.NumberOfThreads, cancellation), loss, settings.Penalties, L2,
            centersResiduals: loss.IsSquared && rows.Scaling.IsOn);
        _tolerance = Decisions.Tolerance(settings.Plan.Tolerance, rows.Scaling.VaryingColumnCount, training.RowCount, Coordinates.IsOfAllColumns);
        ParameterState? before = !Coordinates.AreThoseOfBefore ? null
            : start.Previous!.Parameters.Rearranged(start.Previous.Scaling.Columns, rows.Scaling.Columns);
        _round = new Round(_context, decided, FirstWeights, before, firstEpoch: 0);
    }

    /// <summary>How long the first round is.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>The most epochs that all rounds can have.</summary>
    public int MostEpochs { get; }

    /// <summary>η before the schedule, and the schedule, as they take effect in the first round.</summary>
    public LearningRateSettings LearningRate { get; }

    /// <summary>λ of the L2 penalty as it takes effect.</summary>
    public float L2 { get; }

    /// <summary>The coordinates in which training begins.</summary>
    public Coordinates Coordinates { get; }

    /// <summary>The coordinates in which it ends.</summary>
    public Coordinates LastCoordinates => _round.Decided.Coordinates;

    /// <summary>Whether there may be more rows of high leverage than are in every batch.</summary>
    public bool HasMostHighLeverageRows =>
        LastCoordinates.IsOfAllColumns && _round.Decided.InEveryBatch.Count == Decisions.MostHighLeverageRows;

    /// <summary>Whether the loss is the squared one.</summary>
    public bool IsSquared => _context.Loss.IsSquared;

    /// <summary>Rounds so far.</summary>
    public int NumberOfRounds => _roundNumber;

    /// <summary>Whether a step changes only those weights of sparse columns that have a value in its batch (<see cref="LazyWeights"/>).</summary>
    public bool UpdatesLazily { get; }

    /// <summary>How well weights fit the training rows.</summary>
    public Evaluation Evaluation { get; }

    /// <summary>The current weights by column, the bias last, in the units of training.</summary>
    public double[] Weights => Array.ConvertAll(
        _round.Parameters.Layout.ByColumn(_round.Parameters.Values), weight => (double)weight);

    /// <summary>The first weights by column, the bias last, in the units of training.</summary>
    public float[] FirstWeights { get; }

    /// <summary>What happened so far.</summary>
    public EpochHistory History { get; }

    /// <summary>Threads that the training uses.</summary>
    public int NumberOfThreads => _round.NumberOfThreads;

    /// <summary>Minimises the mean loss plus the penalties.</summary>
    /// <param name="epochCompleted">Called after each epoch; returns whether to continue.</param>
    /// <param name="checkpoint">Saves the run from time to time; null for never.</param>
    /// <exception cref="DivergedException">The loss, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public FitResult Run(Func<EpochReport, bool> epochCompleted, Checkpoint? checkpoint = null)
    {
        History.Start();
        _context.Progress.BeginTraining(Plan with { NumberOfEpochs = MostEpochs }, History.RowCount, History.LossFactor,
            (long)_round.FirstEpoch * Plan.StepsPerEpoch + _round.Loop.Step);
        do
        {
            RunRound(epochCompleted, checkpoint);
        }
        while (_stopReason == StopReason.AllEpochsCompleted && _best is null && BeginNextRound());
        _context.Progress.End();
        BestRound best = Returned();
        return new FitResult(Corrected(best.Weights), _stopReason, best.Epoch, Save(), best.Gap, ShareOf(best.Gap), _tolerance);
    }

    /// <summary>The whole state after the last step, as plain data.</summary>
    public TrainingState Save() => new(
        _context.Settings.Meaning, _round.Decided.Plan, _context.Rows.Scaling, L2, _round.Parameters.Save(), _epochsBefore,
        _round.Decided.StepsBefore,
        new RoundState(_roundNumber, _round.Decided.NumberInCoordinates, _round.FirstEpoch, _distance, _bestRound), _epoch,
        _round.Loop.Part, _stopReason, _best?.State, [.. History.Reports], History.Elapsed);

    /// <summary>Continues at the point where another run of the same rows and settings was saved.</summary>
    public void Resume(TrainingState saved)
    {
        if (saved.Round.Number > 1)
        {
            (_roundNumber, _bestRound) = (saved.Round.Number, saved.Round.Best);
            _distance = saved.Round.Distance;
            _failures = _distance.Failures;
            Replace(Decided.Restore(_context, L2, saved), FirstWeights, before: null, saved.Round.FirstEpoch);
        }
        _round.Parameters.Restore(saved.Parameters);
        _epoch = saved.Epoch;
        _stopReason = saved.StopReason;
        _round.Loop.Restore((long)(saved.Epoch - _round.FirstEpoch) * Plan.StepsPerEpoch + saved.Part.Steps, saved.Part);
        if (_best is not null)
            _best.State = saved.Best;
        History.Restore(saved.Reports, saved.Elapsed);
    }

    public void Dispose() => _round.Dispose();

    private void RunRound(Func<EpochReport, bool> epochCompleted, Checkpoint? checkpoint)
    {
        Action? betweenSteps = checkpoint is null ? null : checkpoint.BetweenSteps;
        while (_stopReason == StopReason.AllEpochsCompleted && _epoch < _round.EndEpoch)
        {
            // A failure since the last epoch, such as that of writing a checkpoint, was outside a step.
            _job.Agree();
            EpochResult result = _round.RunEpoch(_epoch, orderNumber: _epochsBefore + _epoch, betweenSteps);
            if (_validation is not null)
            {
                // If it is cancelled here, the epoch is still the current one, with no step left.
                double[] weights = _round.Current();
                result = result with { ValidationLoss = _validation.Compute(weights) };
                if (_best is not null && !_best.Add(_epoch + 1, result.ValidationLoss.Value, weights))
                    _stopReason = StopReason.NoImprovement;
            }
            _epoch++;
            _round.Loop.EndEpoch();
            EpochReport report = History.Add(result);
            bool isStopWanted = !epochCompleted(report);
            if (_job.Any(isStopWanted))
                _stopReason = StopReason.StoppedByCallback;
            checkpoint?.AfterEpoch(_epoch);
        }
    }

    /// <summary>Measures the weights of the round that has ended and begins another one if they are not near enough to the optimum.</summary>
    /// <returns>Whether there is another round.</returns>
    private bool BeginNextRound()
    {
        double[] weights = _round.Current();
        Gap gap = Measure(weights);
        bool isFirst = _bestRound is null;
        double before = _bestRound?.Gap.Value ?? double.PositiveInfinity;
        if (isFirst || gap.Objective < _bestRound!.Gap.Objective)
            _bestRound = new BestRound(_epoch, weights, gap);
        if (gap.Value is null || !Decisions.AddsRounds(_context.Settings, _context.Rows.Layout.ColumnCount) || _roundNumber == Decisions.MostRounds
            || Decisions.IsNearEnough(ShareOf(_bestRound.Gap) ?? 0, _bestRound.Gap.IsSettled, _tolerance))
            return false;
        bool isWhitened = _round.Decided.Coordinates.Whitening is { AreAllWhitened: true } or { Found: not null };
        _failures = isFirst || Decisions.IsGain(before, gap.Value.Value, isWhitened) ? 0 : _failures + 1;
        if (BetterCoordinates() is not { } coordinates)
            return false;
        float[] first = Array.ConvertAll(_bestRound.Weights, weight => (float)weight);
        Gap best = _bestRound.Gap;
        _distance = new Distance(Math.Sqrt(2 * best.Value!.Value), Math.Sqrt(2 * Math.Max(best.Objective - best.Value.Value, 0)), _failures);
        _roundNumber++;
        var next = Decided.Next(_context, _round.Decided, coordinates, _round.Parameters.StepCount, _distance);
        Replace(next, first, next.StepsBefore > 0 ? _round.Parameters.Save() : null, _epoch);
        return true;
    }

    /// <summary>The coordinates of the next round; null if none would bring training on.</summary>
    private Coordinates? BetterCoordinates()
    {
        Coordinates last = _round.Decided.Coordinates;
        if (!last.IsOfAllColumns && _context.Settings.Reading.MayWhiten)
        {
            double share = ShareOf(_bestRound!.Gap) ?? 0;
            int number = _round.Decided.NumberInCoordinates;
            double valuesPerBatch = _context.Rows.Scaling.NonZerosPerRow * Plan.BatchSize;
            if (_measuring is not null && Decisions.WhitensAllNow(share, number, _context.Rows.Layout.ColumnCount, valuesPerBatch))
                return _measuring;
            if (_measuring is null && Decisions.LooksForDirections(share, _bestRound.Gap.IsSettled, number)
                && _bestRound.Gap is { Gradient: { } gradient } gap)
            {
                long rows = Math.Max(1, (long)_epoch * _context.Rows.Training.RowCount / Decisions.PassesPerTraining);
                var passes = new RowPasses(
                    _context.Rows.Training, _context.Loss, _context.Settings.Plan.NumberOfThreads, _context.Cancellation, mostRows: rows);
                return Coordinates.WithDirections(_context.Rows, L2, gradient, _meter.Hessian(passes, _bestRound.Weights, gap.Width), last);
            }
        }
        return _failures > Decisions.MostFailures(last.IsOfAllColumns || last.Whitening?.Found is not null) ? null : last;
    }

    /// <summary>The weights of the best epoch, with early stopping, else of the best round; a round that was cut short counts as one.</summary>
    private BestRound Returned()
    {
        if (_best?.State is { } state)
            return new BestRound(state.Epoch, state.Weights, Measure(state.Weights));
        if (_bestRound is not null && _stopReason == StopReason.AllEpochsCompleted)
            return _bestRound;
        double[] weights = _round.Current();
        Gap gap = Measure(weights);
        return _bestRound is { } best && best.Gap.Objective <= gap.Objective ? best : new BestRound(_epoch, weights, gap);
    }

    /// <summary>A training that was cut short, or was given its length, returns what it has reached.</summary>
    private double[] Corrected(double[] weights) =>
        _stopReason == StopReason.AllEpochsCompleted && Decisions.AddsRounds(_context.Settings) && IsSquared && Coordinates.IsExactInverse
        && _context.Settings.Penalties.GradientClippingNorm is null && Coordinates.Whitening?.Whitening is Whitening whitening
            ? RoundingCorrection.Apply(_context.Rows, whitening, L2, weights) : weights;

    private void Replace(Decided decided, float[] first, ParameterState? before, int firstEpoch)
    {
        _round.Dispose();
        _round = new Round(_context, decided, first, before, firstEpoch);
    }

    /// <summary>
    /// Measures weights in coordinates of all columns, where these can be had, because a few steps in others can miss directions with little
    /// curvature.
    /// </summary>
    private Gap Measure(double[] weights)
    {
        Coordinates coordinates = _round.Decided.Coordinates;
        if (!coordinates.IsOfAllColumns && Decisions.MeasuresInAll(_context.Settings, _context.Rows.Layout.ColumnCount))
        {
            _measuring ??= Coordinates.OfAllColumns(
                _context.Rows, L2, _context.Settings.Plan.Seed, _context.Cancellation);
            coordinates = _measuring;
        }
        return _meter.Measure(weights, coordinates, Decisions.GapSteps(_context.Rows.Layout.ColumnCount, _epoch));
    }

    private double? ShareOf(Gap gap) => gap.Share(_context.Loss.IsSquared);

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
/// <param name="Gap">How far the weights are from the optimum.</param>
/// <param name="GapShare">The same as a share; see <see cref="Solver.Gap.Share"/>.</param>
/// <param name="Tolerance">The share at which training ends.</param>
internal sealed record FitResult(
    double[] Weights, StopReason StopReason, int ReturnedEpoch, TrainingState State, Gap Gap, double? GapShare, double Tolerance);

/// <summary>The best weights at the end of a round, by column, the bias last, and their gap.</summary>
internal sealed record BestRound(int Epoch, double[] Weights, Gap Gap);

/// <summary>Where a training is in its rounds.</summary>
/// <param name="Number">The round's number, from 1.</param>
/// <param name="NumberInCoordinates">Its number among those in the same coordinates, from 0.</param>
/// <param name="FirstEpoch">Epochs done before it.</param>
/// <param name="Distance">How far the optimum was where it began.</param>
/// <param name="Best">The best round so far; null in the first.</param>
internal sealed record RoundState(int Number, int NumberInCoordinates, int FirstEpoch, Distance Distance, BestRound? Best)
{
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static RoundState Exchange(Archive file, RoundState? state, int columnCount)
    {
        var exchanged = new RoundState(file.Value(state?.Number), file.Value(state?.NumberInCoordinates), file.Value(state?.FirstEpoch),
            file.Value(state?.Distance), file.Optional(state?.Best, (same, best) => new BestRound(
                same.Value(best?.Epoch), same.Array(best?.Weights, columnCount + 1), ExchangeGap(same, best?.Gap, columnCount + 1))));
        bool fits = exchanged.Number is >= 1 and <= Decisions.MostRounds && exchanged.NumberInCoordinates >= 0 && exchanged.FirstEpoch >= 0
            && exchanged.NumberInCoordinates < exchanged.Number;
        return fits ? exchanged : throw new FormatException();
    }

    private static Gap ExchangeGap(Archive file, Gap? gap, int length) => new(
        file.OptionalValue(gap?.Value), file.Value(gap?.Method), file.Flag(gap?.IsSettled), file.Value(gap?.Objective), file.Value(gap?.GradientNorm))
    {
        Step = file.Optional(gap?.Step, (same, step) => same.Array(step, length)),
        Gradient = file.Optional(gap?.Gradient, (same, gradient) => same.Array(gradient, length)),
        Width = file.Value(gap?.Width),
        Rounding = file.Value(gap?.Rounding),
    };
}

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
