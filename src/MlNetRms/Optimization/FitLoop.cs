using System.Runtime.CompilerServices;
using MlNetRms.Examples;
using MlNetRms.Kernels;
using MlNetRms.Losses;

namespace MlNetRms.Optimization;

/// <summary>Mini-batch RMSProp over stored rows. All that changes while training is here and in what is made here.</summary>
internal sealed class FitLoop : IDisposable
{
    /// <summary>Bytes that are read in sequence before the next random jump; long enough for the memory to be at full speed.</summary>
    private const int RunBytes = 1 << 20;

    private readonly ExampleStore _examples;
    private readonly RmsPropRegressionTrainer.Options _options;
    private readonly TrainingLength _length;
    private readonly Standardizer _standardizer;
    private readonly ParameterLayout _layout;
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
        _layout = new ParameterLayout(examples);
        _epochsBefore = state?.Epochs ?? 0;
        long firstAveragedStep = length.TotalSteps - (long)Math.Ceiling((double)options.AveragedFraction * length.TotalSteps);
        float[] parameters = _layout.Parameters(state?.Weights ?? start ?? InitialWeights(_layout.ColumnCount, options));
        RmsPropState? arranged = state is null ? null : _layout.Arrange(state.Optimizer);
        if (UpdatesTouchedOnly(examples, options))
        {
            _sparse = new SparseRmsProp(parameters.AsSpan(examples.Stride), arranged, examples.Stride, options, firstAveragedStep);
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
                    (bestLoss, best, bestEpoch) = (judged, _layout.Weights(Returned()), epoch);
                else if (epoch - bestEpoch >= stopping.Patience)
                    reason = StopReason.NoImprovement;
            }
            if (!epochCompleted(result))
                reason = StopReason.StoppedByCallback;
        }

        TrainedState state = State(_epochsBefore + epoch);
        LinearWeights weights = bestEpoch > 0 ? best : _layout.Weights(Returned());
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
        _layout.Parameters([.. weights.Weights.Select(weight => (float)weight), (float)weights.Bias]).CopyTo(_parameters, 0);
        double[] gradient = _objective.ComputeAll(_length.BatchSize);
        double[] curvature = _examples.MeanSquares(_options.CancellationToken);
        double lambda = _options.L2Regularization;
        double[] kept = [.. weights.Weights];
        for (int column = 0; column < kept.Length; column++)
        {
            double smooth = gradient[_layout.Place(column)] + lambda * kept[column];
            if (Math.Abs((curvature[column] + lambda) * kept[column] - smooth) <= _options.L1Regularization)
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
        return new TrainedState(_layout.ByColumn(parameters), _layout.ByColumn(state), epochs, _standardizer);
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
}
