using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Oracles;

/// <summary>
/// A whole training in plain double code, without standardisation and in the order of reading: near-equal batches, mean
/// gradient, update rule, schedule, average of the last steps.
/// </summary>
internal static class ScalarTraining
{
    public static (double[] Parameters, double[] EpochLosses) Run(Rows rows, RmsPropRegressionTrainer.Options options)
    {
        int width = rows.Width;
        int batchSize = Math.Min(options.BatchSize, rows.Count);
        int batches = (rows.Count + batchSize - 1) / batchSize;
        int epochs = options.NumberOfEpochs ?? throw new ArgumentException("the oracle takes a fixed number of epochs", nameof(options));
        long total = (long)batches * epochs;
        long averaged = (long)Math.Ceiling(options.AveragedFraction * (double)total);
        var rule = new ScalarRmsProp<double>(width + 1, options.Alpha, options.Epsilon, options.EpsilonPlacement,
            options.BiasCorrection, options.Momentum, options.Centered);
        var parameters = new double[width + 1];        // the bias last
        var sum = new double[width + 1];
        var losses = new double[epochs];
        long step = 0;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            double epochWeight = 0;
            int row = 0;
            for (int batch = 0; batch < batches; batch++, step++)
            {
                var gradient = new double[width + 1];
                double batchWeight = 0;
                int end = row + rows.Count / batches + (batch < rows.Count % batches ? 1 : 0);
                for (; row < end; row++)
                {
                    double residual = parameters[width] - rows.Labels[row];
                    for (int i = 0; i < width; i++)
                        residual += parameters[i] * rows.Features[row][i];
                    for (int i = 0; i < width; i++)
                        gradient[i] += rows.Weight(row) * residual * rows.Features[row][i];
                    gradient[width] += rows.Weight(row) * residual;
                    batchWeight += rows.Weight(row);
                    losses[epoch] += 0.5 * rows.Weight(row) * residual * residual;
                }
                for (int i = 0; i <= width; i++)
                    gradient[i] = gradient[i] / batchWeight + (i < width ? options.L2Regularization * parameters[i] : 0);
                rule.Step(parameters, gradient, options.LearningRate * options.LearningRateSchedule.Factor(step, total));
                epochWeight += batchWeight;
                for (int i = 0; i <= width && step >= total - averaged; i++)
                    sum[i] += parameters[i] / averaged;
            }
            losses[epoch] /= epochWeight;
        }
        return (averaged > 0 ? sum : parameters, losses);
    }
}
