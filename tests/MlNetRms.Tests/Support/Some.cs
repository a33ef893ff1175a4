namespace MlNetRms.Tests.Support;

/// <summary>Seeded random example data.</summary>
internal static class Some
{
    public static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    public static float[] Normals(int seed, int count)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(_ => (float)Normal(random)).ToArray();
    }

    /// <summary>y = Σ wᵢ·(xᵢ − meanᵢ) / scaleᵢ + noise, times the label's scale, plus its offset.</summary>
    public static Rows Linear(int seed, int rows, double[] scales, double[]? means = null, double noise = 0.3,
        double labelOffset = 3, double labelScale = 1, bool weighted = false)
    {
        var random = new Random(seed);
        double[] weights = scales.Select(_ => Normal(random)).ToArray();
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            double label = noise * Normal(random);
            features[row] = new float[scales.Length];
            for (int i = 0; i < scales.Length; i++)
            {
                double x = Normal(random);
                label += weights[i] * x;
                features[row][i] = (float)((means?[i] ?? 0) + scales[i] * x);
            }
            labels[row] = (float)(labelOffset + labelScale * label);
        }
        return new Rows(features, labels, weighted ? Enumerable.Range(0, rows).Select(_ => (float)(0.2 + random.NextDouble())).ToArray() : null);
    }

    public static Rows Linear(int seed, int rows, int columns, double noise = 0.3, bool weighted = false) =>
        Linear(seed, rows, Enumerable.Repeat(1.0, columns).ToArray(), noise: noise, weighted: weighted);

    /// <summary>A few usual columns, then columns of which each row has only a few that are not zero.</summary>
    public static Rows MostlyZero(int seed, int rows, int denseColumns, int sparseColumns, int nonZeros, double noise = 0.3)
    {
        var random = new Random(seed);
        double[] weights = Enumerable.Range(0, denseColumns + sparseColumns).Select(_ => Normal(random)).ToArray();
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            features[row] = new float[weights.Length];
            for (int i = 0; i < denseColumns; i++)
                features[row][i] = (float)(2 + Normal(random));
            for (int k = 0; k < nonZeros; k++)
                features[row][denseColumns + random.Next(sparseColumns)] = (float)(1 + 0.5 * Normal(random));
            labels[row] = (float)(1 + features[row].Select((x, i) => x * weights[i]).Sum() + noise * Normal(random));
        }
        return new Rows(features, labels);
    }
}
