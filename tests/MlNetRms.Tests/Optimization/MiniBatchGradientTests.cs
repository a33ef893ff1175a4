using MlNetRms.Examples;
using MlNetRms.Optimization;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Optimization;

/// <summary>The gradient against central differences of a plain double objective.</summary>
public sealed class MiniBatchGradientTests
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
        using ExampleStore store = Stored.Read(SomeRows(sparse, weighted), new());
        float[] parameters = SomeParameters(store);
        using var objective = new MiniBatchGradient(store, parameters, sparse: null, loss: null, count, new());

        (double loss, double weight) = objective.Compute(first, count);

        float[] gradient = objective.Gradient;
        Assert.Equal(parameters.Length, gradient.Length);

        (double expectedLoss, double expectedWeight) = Loss(store, first, count, parameters);
        Assert.Equal(sparse, store.SparseCount > 0);
        Assert.Equal(expectedWeight, weight, 1e-6 * expectedWeight);
        Assert.Equal(expectedLoss, loss, 1e-5 * expectedLoss);            // sums of floats
        for (int column = 0; column <= store.Slots.Length; column++)
        {
            int place = column == store.Slots.Length ? store.BiasLane
                : store.Slots[column] >= 0 ? store.Slots[column] : store.Stride + ~store.Slots[column];
            const float Distance = 1f / 64;        // the objective is quadratic: central differences are exact at any distance
            double expected = (Objective(Distance) - Objective(-Distance)) / (2 * Distance);
            Assert.Equal(expected, gradient[place], 2e-5);        // float sums of terms of a size around 10
            gradient[place] = 0;

            double Objective(float distance)
            {
                float[] moved = [.. parameters];
                moved[place] += distance;
                (double sum, double total) = Loss(store, first, count, moved);
                return sum / total;
            }
        }
        Assert.All(gradient, g => Assert.Equal(0, g));        // none where there is no parameter: label, weight and padding lanes
    }

    private static Rows SomeRows(bool sparse, bool weighted)
    {
        Rows rows = sparse ? Some.MostlyZero(1, 400, DenseColumns, 100, 4) : Some.Linear(1, 400, DenseColumns);
        return new Rows(rows.Features, rows.Labels, weighted ? Enumerable.Range(0, 400).Select(row => 0.25f + row % 7).ToArray() : null);
    }

    private static float[] SomeParameters(ExampleStore store)
    {
        float[] parameters = Some.Normals(2, store.Stride + store.SparseCount);
        parameters.AsSpan(store.BiasLane + 1, store.Stride - store.BiasLane - 1).Clear();
        parameters[store.LabelLane] = -1;
        return parameters;
    }

    private static (double Loss, double Weight) Loss(ExampleStore store, int first, int count, float[] parameters)
    {
        double loss = 0;
        double total = 0;
        for (int i = 0; i < count; i++)
        {
            (float[] features, float label, float weight) = Stored.Row(store, (first + i) % store.RowCount);
            double residual = parameters[store.BiasLane] - label;
            for (int column = 0; column < features.Length; column++)
                residual += (double)features[column] * parameters[store.Slots[column] >= 0 ? store.Slots[column] : store.Stride + ~store.Slots[column]];
            loss += 0.5 * weight * residual * residual;
            total += weight;
        }
        return (loss, total);
    }
}
