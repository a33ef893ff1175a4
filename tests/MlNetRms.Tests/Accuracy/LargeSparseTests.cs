using Microsoft.ML.Data;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

public sealed class LargeSparseTests
{
    private const int Columns = 100_000;
    private const int NonZeros = 50;
    private const int TrainingRows = 160_000;
    private const int TestRows = 40_000;

    [Fact]
    public void Fit_AHundredThousandSparseColumns_PredictsNewRowsWell()
    {
        var ml = new MLContext(1);
        float[] weights = Some.Normals(1, Columns).Select(w => w / MathF.Sqrt(NonZeros)).ToArray();

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp()
            .Fit(Examples.View(ml, Generate(2, TrainingRows, weights), Columns));

        IDataView scored = model.Transform(Examples.View(ml, Generate(3, TestRows, weights), Columns));
        double rmse = Math.Sqrt(scored.GetColumn<float>("Score").Zip(scored.GetColumn<float>("Label"), (s, y) => Math.Pow((double)s - y, 2)).Average());
        // The noise is 0.5; with 80 values per column a linear model stays well above it. With columns scaled by their standard deviation it ends above 10.
        Assert.InRange(rmse, 0.5, 0.80);
        Assert.Equal(Columns, model.Training.SparseFeatures);
    }

    private static IEnumerable<Example> Generate(int seed, int rows, float[] weights)
    {
        var random = new Random(seed);
        var chosen = new SortedSet<int>();
        for (int row = 0; row < rows; row++)
        {
            chosen.Clear();
            while (chosen.Count < NonZeros)
                chosen.Add(random.Next(Columns));
            int[] indices = [.. chosen];
            float[] values = indices.Select(_ => (float)Some.Normal(random)).ToArray();
            double label = 2 + 0.5 * Some.Normal(random);
            for (int k = 0; k < NonZeros; k++)
                label += values[k] * weights[indices[k]];
            yield return new Example { Features = new VBuffer<float>(Columns, NonZeros, values, indices), Label = (float)label };
        }
    }
}
