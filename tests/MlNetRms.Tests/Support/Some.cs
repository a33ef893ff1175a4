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

    /// <summary>y = scale·(Σ wᵢ·(xᵢ − meanᵢ) / scaleᵢ + noise) + offset, with the scale and offset of the label.</summary>
    public static Examples Linear(int seed, int rows, double[] scales, double[]? means = null, double noise = 0.3,
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
        return new Examples(features, labels, weighted ? Enumerable.Range(0, rows).Select(_ => (float)(0.2 + random.NextDouble())).ToArray() : null);
    }

    public static Examples Linear(int seed, int rows, int columns, double noise = 0.3, bool weighted = false) =>
        Linear(seed, rows, Enumerable.Repeat(1.0, columns).ToArray(), noise: noise, weighted: weighted);

    /// <summary>
    /// Columns of variance 1 with common factors, the strongest first: factor k contributes shares[k] of the variance of each column, with a random
    /// sign. The label depends on the part of each column that is not due to the factors.
    /// </summary>
    public static Examples WithFactors(int seed, int rows, int columns, double[] shares, double noise = 0.3, bool weighted = false)
    {
        var random = new Random(seed);
        double[,] loadings = new double[shares.Length, columns];
        for (int k = 0; k < shares.Length; k++)
        {
            for (int i = 0; i < columns; i++)
                loadings[k, i] = Math.Sqrt(shares[k]) * (random.Next(2) == 0 ? 1 : -1);
        }
        double own = Math.Sqrt(1 - shares.Sum());
        double[] weights = [.. Enumerable.Range(0, columns).Select(_ => Normal(random))];
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            double[] factors = [.. shares.Select(_ => Normal(random))];
            double label = noise * Normal(random);
            features[row] = new float[columns];
            for (int i = 0; i < columns; i++)
            {
                double x = own * Normal(random);
                label += weights[i] * x;
                for (int k = 0; k < shares.Length; k++)
                    x += loadings[k, i] * factors[k];
                features[row][i] = (float)x;
            }
            labels[row] = (float)label;
        }
        return new Examples(features, labels, weighted ? [.. Enumerable.Range(0, rows).Select(_ => (float)(0.2 + random.NextDouble()))] : null);
    }

    /// <summary>Categories as one-hot columns, levels drawn in proportion to 1/rank; the first category has no column for its rarest level.</summary>
    public static Examples Levels(int seed, int rows, int categories, int levels, double noise)
    {
        var random = new Random(seed);
        double[] cumulative = [.. Enumerable.Range(1, levels).Select(last => Enumerable.Range(1, last).Sum(rank => 1.0 / rank))];
        double[] effects = [.. Enumerable.Range(0, categories * levels).Select(_ => Normal(random))];
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            double label = noise * Normal(random);
            var all = new float[categories * levels];
            for (int category = 0; category < categories; category++)
            {
                double drawn = random.NextDouble() * cumulative[^1];
                int column = category * levels + Array.FindIndex(cumulative, sum => drawn < sum);
                all[column] = 1;
                label += effects[column];
            }
            features[row] = [.. all[..(levels - 1)], .. all[levels..]];
            labels[row] = (float)label;
        }
        return new Examples(features, labels);
    }

    /// <summary>A few dense columns, then columns of which only a few are non-zero in each row.</summary>
    public static Examples MostlyZero(int seed, int rows, int denseColumns, int sparseColumns, int nonZeros, double noise = 0.3)
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
        return new Examples(features, labels);
    }

    /// <summary>Columns of lognormal values, so that few rows are far from all others.</summary>
    public static Examples LogNormal(int seed, int rows, int columns, double sigma, double noise = 1, bool weighted = false)
    {
        var random = new Random(seed);
        double[] weights = [.. Enumerable.Range(0, columns).Select(_ => Normal(random))];
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            features[row] = [.. Enumerable.Range(0, columns).Select(_ => (float)Math.Exp(sigma * Normal(random)))];
            labels[row] = (float)(features[row].Select((x, i) => x * weights[i]).Sum() + noise * Normal(random));
        }
        return new Examples(features, labels, weighted ? [.. Enumerable.Range(0, rows).Select(_ => (float)(0.2 + random.NextDouble()))] : null);
    }

    /// <summary>
    /// Groups of sparse columns, each present in one row of twenty with a factor of its own; the label depends on the differences too.
    /// </summary>
    public static Examples SparseGroups(int seed, int rows, int groups, int columnsOfGroup, double own, double noise = 0.3)
    {
        var random = new Random(seed);
        double[] weights = [.. Enumerable.Range(0, groups * columnsOfGroup).Select(_ => Normal(random))];
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            features[row] = new float[weights.Length];
            double label = 1 + noise * Normal(random);
            for (int group = 0; group < groups; group++)
            {
                if (random.Next(20) != 0)
                    continue;
                double factor = 1 + 0.5 * Normal(random);
                for (int i = group * columnsOfGroup; i < (group + 1) * columnsOfGroup; i++)
                {
                    double part = Normal(random);
                    features[row][i] = (float)(factor + own * part);
                    label += weights[i] * (0.3 * factor + part);
                }
            }
            labels[row] = (float)label;
        }
        return new Examples(features, labels);
    }

    /// <summary>Pairs of columns that differ by a little, on which the label depends.</summary>
    public static Examples Pairs(int seed, int rows, int pairs, double difference, double noise = 0.3)
    {
        var random = new Random(seed);
        double[] weights = [.. Enumerable.Range(0, 2 * pairs).Select(_ => Normal(random))];
        var features = new float[rows][];
        var labels = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            features[row] = new float[2 * pairs];
            double label = noise * Normal(random);
            for (int pair = 0; pair < pairs; pair++)
            {
                (double common, double own) = (Normal(random), Normal(random));
                features[row][2 * pair] = (float)common;
                features[row][2 * pair + 1] = (float)(common + difference * own);
                label += weights[2 * pair] * common + weights[2 * pair + 1] * own;
            }
            labels[row] = (float)label;
        }
        return new Examples(features, labels);
    }
}
