using MlNetRms.Rows;
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
        (float[] Features, float Label, float Weight)[] stored =
            Enumerable.Range(0, 53).Select(row => Stored.Row(read.Training.Shards[0], row)).ToArray();
        var rows = new Examples(stored.Select(row => row.Features).ToArray(), stored.Select(row => row.Label).ToArray());
        // Rows this few are one run.
        var order = new BatchOrder(new ShardOfBatches(0, 53, 6, 0), runLength: 1000, shuffle: true, options.Seed.Value);
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

    [Theory]
    [InlineData(-100, -100.4, false)]        // lower, but not by a hundredth
    [InlineData(-100, -101.1, true)]
    [InlineData(-100, -99.5, false)]        // higher
    [InlineData(100, 99.5, false)]
    [InlineData(100, 98.9, true)]
    public void BestEpoch_LossOfAnySign_MustFallByTheMinimumImprovement(double before, double after, bool improves)
    {
        var best = new BestEpoch(patience: 5, minimumImprovement: 0.01f);
        best.Add(1, before, [1]);

        best.Add(2, after, [2]);

        Assert.Equal(improves ? 2 : 1, best.State!.Epoch);
    }
}
