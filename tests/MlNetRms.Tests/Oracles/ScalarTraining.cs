using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Oracles;

/// <summary>
/// A complete training in plain double code, without standardisation: batches of nearly equal length, mean gradient (the sum divided by the number
/// of rows and by the mean weight of all rows), update rule, schedule, average of the last steps. In the order of reading or in a given order.
/// </summary>
internal static class ScalarTraining
{
    public static (double[] Parameters, double[] EpochLosses) Run(Examples rows, RmsPropRegressionTrainer.Options options,
        Func<int, bool>? penalizedOnTouch = null) =>
        Run(rows, options, (_, batches) => Enumerable.Range(0, batches).Select(batch =>
        {
            int first = batch * (rows.Count / batches) + Math.Min(batch, rows.Count % batches);
            return Enumerable.Range(first, rows.Count / batches + (batch < rows.Count % batches ? 1 : 0));
        }), penalizedOnTouch);

    /// <param name="rows">The rows.</param>
    /// <param name="options">The options, with a fixed number of epochs.</param>
    /// <param name="order">Returns the rows of each batch from the epoch (from 0) and the number of batches.</param>
    /// <param name="penalizedOnTouch">Columns whose L2 penalty is divided among the rows that are not 0 there; null for none.</param>
    public static (double[] Parameters, double[] EpochLosses) Run(Examples rows, RmsPropRegressionTrainer.Options options,
        Func<int, int, IEnumerable<IEnumerable<int>>> order, Func<int, bool>? penalizedOnTouch = null)
    {
        int width = rows.Width;
        int batchSize = Math.Min(options.BatchSize, rows.Count);
        int batches = (rows.Count + batchSize - 1) / batchSize;
        int epochs = options.NumberOfEpochs ?? throw new ArgumentException("the oracle takes a fixed number of epochs", nameof(options));
        long total = (long)batches * epochs;
        long averaged = (long)Math.Ceiling(options.AveragedFraction * (double)total);
        double meanWeight = Enumerable.Range(0, rows.Count).Average(row => (double)rows.Weight(row));
        double l2 = options.L2Regularization ?? 0;
        double[] touchedL2 = Enumerable.Range(0, width).Select(column => penalizedOnTouch?.Invoke(column) == true
            ? l2 * rows.Count * meanWeight / Enumerable.Range(0, rows.Count).Where(row => rows.Features[row][column] != 0)
                .Sum(row => (double)rows.Weight(row))
            : 0).ToArray();
        var rule = new ScalarRmsProp<double>(width + 1, options.Alpha, options.Epsilon, options.EpsilonPlacement,
            options.BiasCorrection, options.Momentum, options.Centered);
        var parameters = new double[width + 1];        // the bias is last
        var sum = new double[width + 1];
        var losses = new double[epochs];
        long step = 0;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            double epochWeight = 0;
            foreach (IEnumerable<int> batch in order(epoch, batches))
            {
                var gradient = new double[width + 1];
                double batchWeight = 0;
                int batchRows = 0;
                foreach (int row in batch)
                {
                    double residual = parameters[width] - rows.Labels[row];
                    for (int i = 0; i < width; i++)
                        residual += parameters[i] * rows.Features[row][i];
                    for (int i = 0; i < width; i++)
                        gradient[i] += rows.Weight(row) * (residual * rows.Features[row][i] +
                            (rows.Features[row][i] != 0 ? touchedL2[i] * parameters[i] : 0));
                    gradient[width] += rows.Weight(row) * residual;
                    batchWeight += rows.Weight(row);
                    batchRows++;
                    losses[epoch] += 0.5 * rows.Weight(row) * residual * residual;
                }
                for (int i = 0; i <= width; i++)
                    gradient[i] = gradient[i] / (batchRows * meanWeight) + (i < width && touchedL2[i] == 0 ? l2 * parameters[i] : 0);
                rule.Step(parameters, gradient, options.LearningRate * options.LearningRateSchedule.Factor(step, total));
                epochWeight += batchWeight;
                for (int i = 0; i <= width && step >= total - averaged; i++)
                    sum[i] += parameters[i] / averaged;
                step++;
            }
            losses[epoch] /= epochWeight;
        }
        return (averaged > 0 ? sum : parameters, losses);
    }
}
