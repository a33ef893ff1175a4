using System.Diagnostics;
using MlNetRms.Examples;
using MlNetRms.Kernels;

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

/// <summary>The loss, the weights or the mean square of the gradients became infinite or NaN: where it happened.</summary>
internal sealed class DivergedException(int epoch, long step, float learningRate) : Exception
{
    public int Epoch { get; } = epoch;

    public long Step { get; } = step;

    public float LearningRate { get; } = learningRate;
}

/// <summary>Mini-batch RMSProp over stored rows.</summary>
internal static class FitLoop
{
    /// <summary>Bytes that are read in sequence before the next random jump; long enough for the memory to be at full speed.</summary>
    private const int RunBytes = 256 * 1024;

    /// <summary>Minimises the mean half-squared error.</summary>
    /// <param name="examples">The rows; at least one.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="length">From <see cref="TrainingLength.Of"/>.</param>
    /// <param name="epochCompleted">Called after each epoch with its number from 1, mean loss, and last learning rate.</param>
    /// <exception cref="DivergedException">The loss, the weights or the mean square of the gradients are not finite.</exception>
    public static LinearWeights Minimize(ExampleStore examples, RmsPropRegressionTrainer.Options options,
        TrainingLength length, Action<int, double, float> epochCompleted)
    {
        var objective = new MiniBatchGradient(examples, options.L2Regularization);
        float[] parameters = InitialParameters(examples, options);
        var gradient = new float[parameters.Length];
        var optimizer = new RmsProp(parameters.Length, options.Alpha, options.Epsilon, options.EpsilonPlacement,
            options.BiasCorrection, options.Momentum, options.Centered);
        long averagedSteps = (long)Math.Ceiling((double)options.AveragedFraction * length.TotalSteps);
        var average = new IterateAverage(parameters.Length, length.TotalSteps - averagedSteps);
        int runLength = Math.Max(1, RunBytes / (sizeof(float) * examples.Stride) / length.BatchSize);
        var order = new BatchOrder(examples.RowCount, length.BatchSize, runLength, options.Shuffle, options.Seed);
        Debug.Assert(order.BatchCount == length.StepsPerEpoch);

        long step = 0;
        float learningRate = 0;
        for (int epoch = 0; epoch < length.NumberOfEpochs; epoch++)
        {
            order.Begin(epoch);
            double loss = 0;
            double weight = 0;
            for (int position = 0; position < order.BatchCount; position++, step++)
            {
                (long first, int count) = order.Batch(position);
                learningRate = LearningRateAt(step, length.TotalSteps, options);
                (double batchLoss, double batchWeight) = objective.Compute(first, count, parameters, gradient);
                loss += batchLoss;
                weight += batchWeight;
                if (!double.IsFinite(loss))
                    throw new DivergedException(epoch + 1, step + 1, learningRate);
                optimizer.Step(parameters, gradient, learningRate);
                average.Add(step, parameters);
            }
            // Where the square of a gradient is beyond float, every later step is 0: the weights stay finite and learn nothing.
            if (!LinearKernels.AllFinite(optimizer.MeanSquare))
                throw new DivergedException(epoch + 1, step, learningRate);
            epochCompleted(epoch + 1, loss / weight, learningRate);
        }

        LinearWeights weights = Unpack(average.Mean(parameters), examples);
        if (!double.IsFinite(weights.Bias) || !weights.Weights.All(double.IsFinite))
            throw new DivergedException(length.NumberOfEpochs, step, learningRate);
        return weights;
    }

    private static float LearningRateAt(long step, long totalSteps, RmsPropRegressionTrainer.Options options)
    {
        var learningRate = (float)(options.LearningRate * options.LearningRateSchedule.Factor(step, totalSteps));
        // A custom schedule's factor can be finite, and its product with the learning rate beyond the range of float.
        return float.IsFinite(learningRate) ? learningRate : throw new InvalidOperationException(FormattableString.Invariant(
            $"The learning rate schedule '{options.LearningRateSchedule}' made the learning rate infinite at step {step} of {totalSteps}."));
    }

    private static float[] InitialParameters(ExampleStore examples, RmsPropRegressionTrainer.Options options)
    {
        var parameters = new float[examples.Stride + examples.SparseCount];
        var random = new SeededRandom(options.Seed, RandomStream.InitialWeights);
        // One number a column, wherever the column is stored. The bias starts at 0.
        for (int column = 0; options.InitialWeightsStandardDeviation > 0 && column < examples.Slots.Length; column++)
            parameters[Place(examples, column)] = (float)(options.InitialWeightsStandardDeviation * random.Gaussian(column));
        parameters[examples.LabelLane] = -1;
        return parameters;
    }

    private static LinearWeights Unpack(double[] parameters, ExampleStore examples)
    {
        var weights = new double[examples.Slots.Length];
        for (int column = 0; column < weights.Length; column++)
            weights[column] = parameters[Place(examples, column)];
        return new(weights, parameters[examples.BiasLane]);
    }

    /// <summary>Where a column's weight stands among the parameters.</summary>
    private static int Place(ExampleStore examples, int column)
    {
        int slot = examples.Slots[column];
        return slot >= 0 ? slot : examples.Stride + ~slot;
    }
}
