using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Solver;

public sealed class HighLeverageRowsTests
{
    [Theory]
    [InlineData("lognormal", 8)]
    [InlineData("lognormal, many columns", 128)]        // squared lengths from random directions first
    [InlineData("weighted", 8)]
    [InlineData("not whitened", 8)]
    [InlineData("sparse", 64)]
    [InlineData("divided", 8)]
    [InlineData("more than are possible", 1)]
    [InlineData("none", 256)]
    public void Find_AnyRows_AreTheLongestByExactLength(string name, int batchSize)
    {
        using TrainingRows rows = Read(name);
        Coordinates coordinates = Begin(rows, name);

        HighLeverageRows found = HighLeverageRows.Find(rows.Training, coordinates, batchSize, seed: 1, CancellationToken.None);

        (int Shard, long Row, double Length)[] all = [.. rows.Training.Shards.SelectMany((shard, number) => Enumerable.Range(0, (int)shard.RowCount)
            .Select(row => (number, (long)row, Length(rows, shard, row, coordinates))))];
        (int, long)[] expected = [.. all.Where(row => row.Length > 8 * batchSize).OrderByDescending(row => row.Length).ThenBy(row => row.Shard)
            .ThenBy(row => row.Row).Take(64).Select(row => (row.Shard, row.Row)).Order()];
        (int, long)[] actual = [.. rows.Training.Shards.SelectMany((_, shard) => found.OfShard(shard).Select(row => (shard, row)))];
        Assert.Equal(actual.Length, found.Count);
        if (rows.Layout.ColumnCount <= 16 || expected.Length == 64)
            Assert.Equal(expected, actual);
        else
        {
            // An estimate can be far too low, which matters only for rows near the bound.
            Assert.Subset(new HashSet<(int, long)>(expected), new HashSet<(int, long)>(actual));
            Assert.Equal(expected.Intersect(all.Where(row => row.Length > 16 * batchSize).Select(row => (row.Shard, row.Row))).Order(),
                actual.Intersect(all.Where(row => row.Length > 16 * batchSize).Select(row => (row.Shard, row.Row))).Order());
            Assert.InRange(actual.Length, 0.95 * expected.Length, expected.Length);
        }
        Assert.Equal(name == "none", found.Count == 0);
        Assert.Equal(name == "more than are possible", found.Count == 64);
    }

    [Fact]
    public void Find_EqualRows_TakesTheFirst()
    {
        // A hundred rows alike that are far from the others.
        Examples some = Some.Linear(1, 20_000, 2);
        for (int row = 0; row < 100; row++)
            some.Features[200 * row] = [1000, 0];
        using TrainingRows rows = Stored.Read(some, new() { Shuffle = false });

        HighLeverageRows found = HighLeverageRows.Find(rows.Training, Begin(rows, ""), batchSize: 8, seed: 1, CancellationToken.None);

        Assert.Equal(Enumerable.Range(0, 64).Select(row => 200L * row), found.OfShard(0));
    }

    /// <summary>At a fixed point it does not matter in which batches a row counts.</summary>
    [Theory]
    [InlineData("lognormal")]
    [InlineData("weighted")]
    [InlineData("sparse")]
    [InlineData("divided")]
    public void BatchGradient_WithRowsInEveryBatch_SumsUpToTheFullGradient(string name)
    {
        using TrainingRows rows = Read(name);
        Coordinates coordinates = Begin(rows, name);
        HighLeverageRows inEvery = HighLeverageRows.Find(rows.Training, coordinates, batchSize: 8, seed: 1, CancellationToken.None);
        Assert.InRange(inEvery.Count, 1, 64);
        var parameters = new Parameters(new ParameterSetup(rows.Layout,
            new RuleSettings(0.9f, 0.1f, EpsilonPlacement.OutsideSquareRoot, BiasCorrection: false, Momentum: 0, Centered: false),
            LearningRate: 1, Averaging: default, Whitening: null, Lazy: null), Some.Normals(2, rows.Layout.ColumnCount + 1));
        var loss = new StandardizedLoss(LossSettings.HalfSquared, rows.Scaling, rows.Training, CancellationToken.None);
        int most = (int)rows.Training.Shards.Max(shard => shard.RowCount);
        const int Batches = 10;

        double[] Sum(HighLeverageRows leverage)
        {
            var plan = new TrainingPlan(most * rows.Training.Shards.Count, Batches, NumberOfEpochs: 1, AveragedSteps: 0);
            using var gradient = new BatchGradient(rows.Training, parameters, loss, plan, leverage, numberOfThreads: 1, CancellationToken.None);
            var sum = new double[rows.Layout.Length];
            for (int batch = 0; batch < Batches; batch++)
            {
                RowRun[] runs = [.. rows.Training.Shards.Select(shard => new RowRun(batch * shard.RowCount / Batches,
                    (int)((batch + 1) * shard.RowCount / Batches - batch * shard.RowCount / Batches)))];
                foreach (BatchSum ofShard in gradient.Compute(runs))
                {
                    for (int i = 0; ofShard.HasRows && i < sum.Length; i++)
                        sum[i] += ofShard.Gradient[i];
                }
            }
            return sum;
        }

        double[] expected = Sum(HighLeverageRows.None);
        double[] actual = Sum(inEvery);

        double largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * largest));
    }

    private static TrainingRows Read(string name)
    {
        Examples rows = name switch
        {
            "lognormal, many columns" => Some.LogNormal(1, 3000, 40, sigma: 2.5),
            "weighted" => Some.LogNormal(2, 3000, 6, sigma: 2, weighted: true),
            "sparse" => Rare(),
            "more than are possible" => Some.LogNormal(3, 3000, 20, sigma: 1.5),
            "none" => Some.Linear(1, 3000, 6),
            _ => Some.LogNormal(4, 3000, 6, sigma: 2.5),
        };
        Examples[] parts = name == "divided"
            ? [rows.Take(Enumerable.Range(0, 700)), rows.Take(Enumerable.Range(700, 5)), rows.Take(Enumerable.Range(705, rows.Count - 705))] : [rows];
        return Stored.Read([.. parts.Select(part => part.View(new MLContext(1)))], OptionsOf(rows.Weights is not null, name));
    }

    private static Options OptionsOf(bool isWeighted, string name) =>
        new() { ExampleWeightColumnName = isWeighted ? nameof(Example.Weight) : null, Decorrelate = name == "not whitened" ? false : null };

    private static Coordinates Begin(TrainingRows rows, string name) =>
        Coordinates.Begin(OptionsOf(isWeighted: false, name).ToSettings(), rows, l2: 0, previous: null, CancellationToken.None);

    private static Examples Rare()
    {
        Examples rows = Some.SparseGroups(1, 3000, 8, 10, own: 0.5);
        foreach (int row in new[] { 3, 700, 2999 })
            rows.Features[row][row % 80] = 50;
        return rows;
    }

    /// <summary>Squared length of a row times its weight, in coordinates in which the columns have variance 1.</summary>
    private static double Length(TrainingRows rows, PackedRows shard, long number, Coordinates coordinates)
    {
        (float[] features, _, float weight) = Stored.Row(shard, number);
        var row = new double[rows.Layout.Length];
        rows.Layout.Arrange<double>([.. features.Select(value => (double)value), 1], row);
        double sum = 0;
        double[] inCoordinates = coordinates.Whitening?.ToGradient(row) ?? row;
        for (int column = 0; column < rows.Layout.ColumnCount; column++)
        {
            double scale = coordinates.IsOfAllColumns ? 1 : rows.Scaling.ScaledMeanSquare(column);
            sum += Math.Pow(inCoordinates[rows.Layout.Position(column)], 2) / scale;
        }
        return weight * sum;
    }
}
