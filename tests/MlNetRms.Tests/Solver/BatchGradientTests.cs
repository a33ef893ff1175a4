using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

/// <summary>The gradient against central differences of a plain double objective.</summary>
public sealed class BatchGradientTests
{
    private const int DenseColumns = 5;

    public static TheoryData<bool, bool, int, int> Cases
    {
        get
        {
            var cases = new TheoryData<bool, bool, int, int>();
            foreach (bool sparse in new[] { false, true })
            {
                foreach (bool weighted in new[] { false, true })
                {
                    cases.Add(sparse, weighted, 0, 400);            // the whole set, more than one block of rows
                    cases.Add(sparse, weighted, 3, 10);          // a small batch
                    cases.Add(sparse, weighted, 395, 11);        // over the end of the ring
                    cases.Add(sparse, weighted, 395, 300);          // over the end, and more than a block beyond it
                    cases.Add(sparse, weighted, 399, 1);            // one row
                }
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Compute_AnyBatch_EqualsFiniteDifferencesOfTheObjective(bool sparse, bool weighted, int first, int count)
    {
        using TrainingRows rows = Stored.Read(SomeRows(sparse, weighted), new() { Decorrelate = false });
        PackedRows store = rows.Training.Shards[0];
        Parameters parameters = SomeParameters(rows);
        var loss = new StandardizedLoss(LossSettings.HalfSquared, rows.Scaling, store, CancellationToken.None);
        using var objective = new BatchGradient(
            store, parameters, loss, Batches(count), HighLeverageRows.None, Environment.ProcessorCount, CancellationToken.None);

        BatchSum batch = Compute(objective, first, count);

        (double actualLoss, double actualWeight) = batch.Losses;
        batch.DivideByRows();
        float[] gradient = batch.Gradient;
        float[] values = parameters.Values.ToArray();
        Assert.Equal(values.Length, gradient.Length);
        (double expectedLoss, double expectedWeight) = Loss(store, first, count, values);
        Assert.Equal(sparse, store.Layout.SparseCount > 0);
        Assert.Equal(expectedWeight, actualWeight, 1e-6 * expectedWeight);
        Assert.Equal(expectedLoss, actualLoss, 1e-5 * expectedLoss);            // sums of floats
        for (int column = 0; column <= store.Layout.ColumnCount; column++)
        {
            int position = store.Layout.Position(column);
            const float Distance = 1f / 64;        // the objective is quadratic: central differences are exact at any distance
            double expected = (Objective(Distance) - Objective(-Distance)) / (2 * Distance);
            Assert.Equal(expected, gradient[position], 2e-5);        // float sums of terms of a size around 10
            gradient[position] = 0;

            double Objective(float distance)
            {
                float[] moved = [.. values];
                moved[position] += distance;
                // Weights are relative to their mean over all rows, so that a light batch has a small gradient.
                return Loss(store, first, count, moved).Loss / count;
            }
        }
        Assert.All(gradient, g => Assert.Equal(0, g));        // none where there is no parameter: label, weight and padding lanes
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Add_SumsOfTwoPartsOfABatch_IsTheSumOfTheBatch(bool weighted)
    {
        using TrainingRows rows = Stored.Read(SomeRows(sparse: false, weighted), new());
        Parameters parameters = SomeParameters(rows);
        var loss = new StandardizedLoss(LossSettings.HalfSquared, rows.Scaling, rows.Training, CancellationToken.None);
        using BatchGradient whole = Gradient();
        using BatchGradient first = Gradient();
        using BatchGradient second = Gradient();
        BatchSum expected = Compute(whole, 10, 300);
        BatchSum sum = Compute(first, 10, 100);

        sum.Add(Compute(second, 110, 200));

        Assert.Equal((300, 300), (expected.RowCount, sum.RowCount));
        Assert.Equal(expected.Losses.Weight, sum.Losses.Weight, 1e-6 * expected.Losses.Weight);
        Assert.Equal(expected.Losses.Loss, sum.Losses.Loss, 1e-5 * expected.Losses.Loss);
        Models.AssertClose(expected.Gradient, sum.Gradient, 1e-5);        // sums of floats in another order

        BatchGradient Gradient() =>
            new(rows.Training.Shards[0], parameters, loss, Batches(300), HighLeverageRows.None, numberOfThreads: 1, CancellationToken.None);
    }

    private static TrainingPlan Batches(int size) => new(size, StepsPerEpoch: 1, NumberOfEpochs: 1, AveragedSteps: 0);

    private static BatchSum Compute(BatchGradient objective, long first, int count) => objective.Compute([new RowRun(first, count)])[0];

    private static Examples SomeRows(bool sparse, bool weighted)
    {
        Examples rows = sparse ? Some.MostlyZero(1, 400, DenseColumns, 100, 4) : Some.Linear(1, 400, DenseColumns);
        return new Examples(rows.Features, rows.Labels, weighted ? Enumerable.Range(0, 400).Select(row => 0.25f + row % 7).ToArray() : null);
    }

    private static Parameters SomeParameters(TrainingRows rows) => new(
        new ParameterSetup(rows.Layout,
            new RuleSettings(0.9f, 0.1f, EpsilonPlacement.OutsideSquareRoot, BiasCorrection: false, Momentum: 0, Centered: false),
            LearningRate: 1, Averaging: default, Whitening: null, Lazy: null),
        start: Some.Normals(2, rows.Layout.ColumnCount + 1));

    private static (double Loss, double Weight) Loss(PackedRows store, int first, int count, float[] parameters)
    {
        double loss = 0;
        double total = 0;
        for (int i = 0; i < count; i++)
        {
            (float[] features, float label, float weight) = Stored.Row(store, (first + i) % store.RowCount);
            double residual = parameters[store.Layout.BiasLane] - label;
            for (int column = 0; column < features.Length; column++)
                residual += (double)features[column] * parameters[store.Layout.Position(column)];
            loss += 0.5 * weight * residual * residual;
            total += weight;
        }
        return (loss, total);
    }
}
