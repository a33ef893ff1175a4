using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Solver;

public sealed class TrainingRunTests
{
    [Fact]
    public void Run_Shuffled_EqualsTheScalarTrainingInTheBatchOrderOfEachEpoch()
    {
        var options = new Options { Standardize = false, BatchSize = 10, NumberOfEpochs = 4, Alpha = 0.9f, Seed = 7 };
        using TrainingRows read = Stored.Read(Some.Linear(1, 53, 4), options);
        (float[] Features, float Label, float Weight)[] stored = Enumerable.Range(0, 53).Select(row => Stored.Row(read.Training.Shards[0], row)).ToArray();
        var rows = new Examples(stored.Select(row => row.Features).ToArray(), stored.Select(row => row.Label).ToArray());
        var order = new BatchOrder(new ShardOfBatches(0, 53, 6, 0), runLength: 1000, shuffle: true, options.Seed.Value);        // rows this few are one run
        using var run = new TrainingRun(read, options.ToSettings(), start: default, CancellationToken.None);

        double[] actual = run.Run(_ => true).Weights;

        (double[] expected, _) = ScalarTraining.Run(rows, options, (epoch, batches) =>
        {
            order.Begin(epoch);
            return Enumerable.Range(0, batches).Select(order.Batch).Select(batch =>
                Enumerable.Range(0, batch.Count).Select(i => (int)((batch.First + i) % 53)));
        });
        // 24 steps; each repeats the last one's roundings and adds its own, of 6e-8.
        Models.AssertClose(expected.Select(w => (float)w).ToArray(), actual.Select(w => (float)w).ToArray(), 2e-5);
    }
}
