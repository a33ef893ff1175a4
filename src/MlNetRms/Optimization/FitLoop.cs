using System.Runtime.CompilerServices;
using MlNetRms.Examples;
using MlNetRms.Kernels;
using MlNetRms.Losses;

namespace MlNetRms.Optimization;

/// <summary>How long a training is: what the options leave open is settled by the number of rows.</summary>
internal readonly record struct TrainingLength(int BatchSize, int StepsPerEpoch, int NumberOfEpochs)
{
    /// <summary>Steps, not epochs, are what RMSProp needs to come near the optimum; fewer than this fail on ill-conditioned data.</summary>
    private const int AutomaticSteps = 10_000;

    public long TotalSteps => (long)StepsPerEpoch * NumberOfEpochs;

    public static TrainingLength Of(long rowCount, RmsPropRegressionTrainer.Options options)
    {
        int batchSize = (int)Math.Min(options.BatchSize, rowCount);
        int stepsPerEpoch = checked((int)((rowCount + batchSize - 1) / batchSize));
        int automaticEpochs = Math.Max(1, (AutomaticSteps + stepsPerEpoch - 1) / stepsPerEpoch);
        return new(batchSize, stepsPerEpoch, options.NumberOfEpochs ?? automaticEpochs);
    }
}

/// <summary>Weights and bias in the units of the stored rows; weights in the order of the original columns.</summary>
internal readonly record struct LinearWeights(double[] Weights, double Bias);

/// <summary>What an epoch gave. Losses are means in the units of training.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Of the epoch's rows, each before its batch's step.</param>
/// <param name="ValidationLoss">Of the validation rows after the epoch, or null.</param>
/// <param name="LearningRate">Of the last step.</param>
internal readonly record struct EpochResult(int Epoch, long Step, double Loss, double? ValidationLoss, float LearningRate);

/// <summary>What a training gave.</summary>
/// <param name="Weights">The weights to return.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="ReturnedEpoch">The epoch after which the returned weights stood.</param>
/// <param name="State">Where it stands.</param>
internal sealed record FitResult(LinearWeights Weights, StopReason StopReason, int ReturnedEpoch, TrainedState State);

/// <summary>The loss, the weights or the mean square of the gradients became infinite or NaN: where it happened.</summary>
internal sealed class DivergedException(int epoch, long step, float learningRate) : Exception
{
    public int Epoch { get; } = epoch;

    public long Step { get; } = step;

    public float LearningRate { get; } = learningRate;
}

/// <summary>Mini-batch RMSProp over stored rows. All that changes while training is here and in what is made here.</summary>
internal sealed class FitLoop : IDisposable
{
    /// <summary>Bytes that are read in sequence before the next random jump; long enough for the memory to be at full speed.</summary>
    private const int RunBytes = 1 << 20;

    private readonly ExampleStore _examples;
    private readonly RmsPropRegressionTrainer.Options _options;
    private readonly TrainingLength _length;
    private readonly Standardizer _standardizer;
    private readonly int _epochsBefore;
    private readonly float[] _parameters;
    private readonly RmsProp _optimizer;
    private readonly SparseRmsProp? _sparse;
    private readonly IterateAverage _average;
    private readonly BatchOrder _order;
    private readonly MiniBatchGradient _objective;
    private readonly WeightConstraints? _constraints;
    private readonly ValidationLoss? _validation;
    private long _step;

    /// <param name="examples">The rows; at least one.</param>
    /// <param name="validation">Rows to judge each epoch by, or null.</param>
    /// <param name="standardizer">The units of both.</param>
    /// <param name="start">Weights to begin with, of all columns and then the bias; null for those of the options.</param>
    /// <param name="state">The optimiser's state to go on from, or null.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="length">From <see cref="TrainingLength.Of"/>.</param>
    public FitLoop(ExampleStore examples, ExampleStore? validation, Standardizer standardizer, float[]? start, TrainedState? state,
        RmsPropRegressionTrainer.Options options, TrainingLength length)
    {
        _examples = examples;
        _options = options;
        _length = length;
        _standardizer = standardizer;
        _epochsBefore = state?.Epochs ?? 0;
        long firstAveragedStep = length.TotalSteps - (long)Math.Ceiling((double)options.AveragedFraction * length.TotalSteps);
        float[] parameters = Arrange(state?.Weights ?? start ?? InitialWeights(examples.Slots.Length, options));
        parameters[examples.LabelLane] = -1;
        RmsPropState? arranged = state is null ? null : Arrange(state.Optimizer);
        if (UpdatesTouchedOnly(examples, options))
        {
            _sparse = new SparseRmsProp(parameters.AsSpan(examples.Stride), arranged, examples.Stride, options, firstAveragedStep);
            arranged = arranged is null ? null : Resize(arranged, examples.Stride);
            parameters = parameters[..examples.Stride];
        }
        _parameters = parameters;
        _optimizer = new RmsProp(parameters.Length, options.Alpha, options.Epsilon, options.EpsilonPlacement,
            options.BiasCorrection, options.Momentum, options.Centered);
        if (arranged is not null)
            _optimizer.Restore(arranged);
        _average = new IterateAverage(parameters.Length, firstAveragedStep);
        int runLength = Math.Max(1, RunBytes / (sizeof(float) * examples.Stride) / length.BatchSize);
        _order = new BatchOrder(examples.RowCount, length.BatchSize, runLength, options.Shuffle, options.Seed);
        StandardizedLoss? loss = StandardizedLoss.Of(options, standardizer, examples);
        _objective = new MiniBatchGradient(examples, parameters, _sparse, loss, length.BatchSize, options);
        _constraints = WeightConstraints.Of(options, examples, parameters.Length);
        _validation = validation is null ? null : new ValidationLoss(validation, loss, options.CancellationToken);
    }

    /// <summary>Threads that take part.</summary>
    public int NumberOfThreads => _objective.NumberOfThreads;

    /// <summary>Whether a step changes only those weights of sparse columns that its batch touches (<see cref="SparseRmsProp"/>).</summary>
    public static bool UpdatesTouchedOnly(ExampleStore examples, RmsPropRegressionTrainer.Options options) =>
        examples.SparseCount > 0 && SparseRmsProp.Allows(options);

    /// <summary>Minimises the mean loss plus the penalties.</summary>
    /// <param name="epochCompleted">Called after each epoch; returns whether to go on.</param>
    /// <exception cref="DivergedException">The loss, the weights or the mean square of the gradients are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public FitResult Run(Func<EpochResult, bool> epochCompleted)
    {
        EarlyStopping? stopping = _options.EarlyStopping;
        double bestLoss = double.PositiveInfinity;
        LinearWeights best = default;
        int bestEpoch = 0;
        int epoch = 0;
        var reason = StopReason.AllEpochsCompleted;
        while (reason == StopReason.AllEpochsCompleted && epoch < _length.NumberOfEpochs)
        {
            EpochResult result = RunEpoch(epoch);
            epoch++;
            CheckFinite(epoch, result.LearningRate);
            if (_validation is not null)
                result = result with { ValidationLoss = _validation.Mean(Returned()) };
            if (stopping is not null && result.ValidationLoss is { } loss)
            {
                // A loss that is no number is no improvement on anything.
                double judged = double.IsNaN(loss) ? double.PositiveInfinity : loss;
                if (judged < bestLoss * (1 - stopping.MinimumImprovement) || bestEpoch == 0)
                    (bestLoss, best, bestEpoch) = (judged, Unpack(Returned()), epoch);
                else if (epoch - bestEpoch >= stopping.Patience)
                    reason = StopReason.NoImprovement;
            }
            if (!epochCompleted(result))
                reason = StopReason.StoppedByCallback;
        }

        TrainedState state = State(_epochsBefore + epoch);
        LinearWeights weights = bestEpoch > 0 ? best : Unpack(Returned());
        if (_constraints is { IsSparsifying: true })
            weights = ZeroOut(weights);        // moves the parameters
        return new FitResult(weights, reason, bestEpoch > 0 ? bestEpoch : epoch, state);
    }

    public void Dispose() => _objective.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private EpochResult RunEpoch(int epoch)
    {
        _order.Begin(_epochsBefore + epoch);
        double loss = 0;
        double weight = 0;
        float learningRate = 0;
        for (int position = 0; position < _order.BatchCount; position++)
        {
            (long first, int count) = _order.Batch(position);
            learningRate = LearningRateAt(_step);
            (double batchLoss, double batchWeight) = _objective.Compute(first, count);
            loss += batchLoss;
            weight += batchWeight;
            if (!double.IsFinite(loss))
                throw new DivergedException(epoch + 1, _step + 1, learningRate);
            AddPenaltyGradient(_parameters, _objective.Gradient);
            ClipGradient(_objective.Gradient);
            StepCoefficients step = _optimizer.Advance(learningRate);
            _optimizer.Apply(_parameters, _objective.Gradient, step);
            _sparse?.Step(step, gradientFactor: (float)(1 / batchWeight));
            _constraints?.Apply(_optimizer, _parameters, step);
            _average.Add(_step, _parameters);
            _step++;
        }
        return new EpochResult(epoch + 1, _step, loss / weight, null, learningRate);
    }

    private float LearningRateAt(long step)
    {
        var learningRate = (float)(_options.LearningRate * _options.LearningRateSchedule.Factor(step, _length.TotalSteps));
        // A custom schedule's factor can be finite, and its product with the learning rate beyond the range of float.
        return float.IsFinite(learningRate) ? learningRate : throw new InvalidOperationException(FormattableString.Invariant(
            $"The learning rate schedule '{_options.LearningRateSchedule}' made the learning rate infinite at step {step} of {_length.TotalSteps}."));
    }

    /// <summary>Adds λ·w, for the weights but not for the bias.</summary>
    private void AddPenaltyGradient(ReadOnlySpan<float> parameters, Span<float> gradient)
    {
        float lambda = _options.L2Regularization;
        if (lambda == 0)
            return;
        LinearKernels.AddScaled(gradient[.._examples.DenseCount], lambda, parameters[.._examples.DenseCount]);
        LinearKernels.AddScaled(gradient[_examples.Stride..], lambda, parameters[_examples.Stride..]);
    }

    private void ClipGradient(Span<float> gradient)
    {
        if (_options.GradientClippingNorm is not { } limit)
            return;
        float norm = MathF.Sqrt(LinearKernels.SumOfSquares(gradient));
        // Squares overflow long before the gradient does, and limit / ∞ would make it 0: training would stand still unnoticed.
        if (float.IsInfinity(norm))
            norm = LongNorm(gradient);
        if (norm > limit)
            LinearKernels.Scale(gradient, limit / norm);
    }

    private static float LongNorm(ReadOnlySpan<float> gradient)
    {
        double squares = 0;
        foreach (float g in gradient)
            squares += (double)g * g;
        return (float)Math.Sqrt(squares);
    }

    /// <summary>What would be returned now, as parameters: the average if it has begun, else the current weights.</summary>
    private double[] Returned()
    {
        double[] mean = _average.Mean(_parameters);
        return _sparse is null ? mean : [.. mean, .. _sparse.Average()];
    }

    private void CheckFinite(int epoch, float learningRate)
    {
        // Where the square of a gradient is beyond float, every later step is 0: the weights stay finite and learn nothing.
        if (!MomentKernels.AllFinite(_parameters) || !MomentKernels.AllFinite(_optimizer.MeanSquare) || _sparse is { IsFinite: false })
            throw new DivergedException(epoch, _step, learningRate);
    }

    /// <summary>
    /// Averages of weights are rarely exactly 0. A weight is set to 0 where the lasso's optimality condition has it at 0 given
    /// the others: |h·w − g| ≤ λ₁ with the gradient g and the curvature h of the smooth part over all rows.
    /// </summary>
    private LinearWeights ZeroOut(LinearWeights weights)
    {
        float[] point = Arrange([.. weights.Weights.Select(weight => (float)weight), (float)weights.Bias]);
        point[_examples.LabelLane] = -1;
        point.CopyTo(_parameters, 0);
        var gradient = new double[_parameters.Length];
        double total = 0;
        for (long first = 0; first < _examples.RowCount;)
        {
            int count = (int)Math.Min(_length.BatchSize, _examples.RowCount - first);
            (_, double weight) = _objective.Compute(first, count);
            for (int i = 0; i < gradient.Length; i++)
                gradient[i] += weight * _objective.Gradient[i];
            total += weight;
            first += count;
        }
        double[] curvature = _examples.MeanSquares();
        double[] kept = [.. weights.Weights];
        for (int column = 0; column < kept.Length; column++)
        {
            int place = Place(column);
            double smooth = gradient[place] / total + _options.L2Regularization * kept[column];
            if (Math.Abs((curvature[column] + _options.L2Regularization) * kept[column] - smooth) <= _options.L1Regularization)
                kept[column] = 0;
        }
        return weights with { Weights = kept };
    }

    private TrainedState State(int epochs)
    {
        RmsPropState state = _optimizer.Save();
        float[] parameters = _parameters;
        if (_sparse is not null)
        {
            (float[] weights, RmsPropState sparse) = _sparse.Save();
            parameters = [.. parameters, .. weights];
            state = state with
            {
                MeanSquare = [.. state.MeanSquare, .. sparse.MeanSquare],
                Velocity = [.. state.Velocity, .. sparse.Velocity],
                MeanGradient = state.MeanGradient is null ? null : [.. state.MeanGradient, .. sparse.MeanGradient!],
            };
        }
        return new TrainedState(ByColumn(parameters), state with
        {
            MeanSquare = ByColumn(state.MeanSquare),
            Velocity = ByColumn(state.Velocity),
            MeanGradient = state.MeanGradient is null ? null : ByColumn(state.MeanGradient),
        }, epochs, _standardizer);
    }

    private static float[] InitialWeights(int columnCount, RmsPropRegressionTrainer.Options options)
    {
        // One number a column, wherever the column is stored. The bias starts at 0.
        var weights = new float[columnCount + 1];
        var random = new SeededRandom(options.Seed, RandomStream.InitialWeights);
        for (int column = 0; options.InitialWeightsStandardDeviation > 0 && column < columnCount; column++)
            weights[column] = (float)(options.InitialWeightsStandardDeviation * random.Gaussian(column));
        return weights;
    }

    private LinearWeights Unpack(double[] parameters)
    {
        double[] byColumn = ByColumn(parameters);
        return new(byColumn[..^1], byColumn[^1]);
    }

    /// <summary>From the order of the columns, then the bias, to that of the parameters.</summary>
    private float[] Arrange(float[] byColumn)
    {
        var parameters = new float[_examples.Stride + _examples.SparseCount];
        for (int column = 0; column < byColumn.Length; column++)
            parameters[Place(column)] = byColumn[column];
        return parameters;
    }

    private RmsPropState Arrange(RmsPropState state) => state with
    {
        MeanSquare = Arrange(state.MeanSquare),
        Velocity = Arrange(state.Velocity),
        MeanGradient = state.MeanGradient is null ? null : Arrange(state.MeanGradient),
    };

    private static RmsPropState Resize(RmsPropState state, int length) => state with
    {
        MeanSquare = state.MeanSquare[..length],
        Velocity = state.Velocity[..length],
        MeanGradient = state.MeanGradient?[..length],
    };

    /// <summary>The way back.</summary>
    private T[] ByColumn<T>(T[] parameters)
    {
        var byColumn = new T[_examples.Slots.Length + 1];
        for (int column = 0; column < byColumn.Length; column++)
            byColumn[column] = parameters[Place(column)];
        return byColumn;
    }

    /// <summary>Where the weight of a column stands among the parameters; the bias counts as the column after the last.</summary>
    private int Place(int column)
    {
        if (column == _examples.Slots.Length)
            return _examples.BiasLane;
        int slot = _examples.Slots[column];
        return slot >= 0 ? slot : _examples.Stride + ~slot;
    }
}
