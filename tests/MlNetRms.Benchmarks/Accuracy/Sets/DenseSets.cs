using MathNet.Numerics.LinearAlgebra;

namespace MlNetRms.Benchmarks.Accuracy.Sets;

/// <summary>Dense sets whose columns are correlated, each a pure function of its parameters and seed.</summary>
internal static class DenseSets
{
    /// <summary>
    /// Independent normal directions with standard deviations from 1 down to 1/<paramref name="condition"/>, in equal ratios, rotated at
    /// random. Each direction, in its own standard deviations, has the same effect on the label: y = Σ ±direction + noise.
    /// </summary>
    public static ExampleSet Rotated(int rows, int columns, double condition, double noise, ulong seed)
    {
        var random = new NormalSource(seed);
        Matrix<double> rotation = Matrix<double>.Build.Dense(columns, columns, (_, _) => random.Next()).QR().Q;
        return Build(rows, columns, features =>
        {
            double label = noise * random.Next();
            Array.Clear(features);
            for (int k = 0; k < columns; k++)
            {
                double direction = random.Next();
                label += k % 2 == 0 ? direction : -direction;
                double scaled = direction * Math.Pow(condition, -(double)k / (columns - 1));
                for (int i = 0; i < columns; i++)
                    features[i] += scaled * rotation[i, k];
            }
            return label;
        });
    }

    /// <summary>Columns of variance 1 whose common factor gives all pairs the same correlation; weights N(0, 1).</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="correlation">Correlation of any two columns.</param>
    /// <param name="noise">Standard deviation of the label's noise.</param>
    /// <param name="seed">Seed of weights and rows.</param>
    /// <param name="isBalanced">Whether the weights add up to 0, so that the common factor does not affect the label.</param>
    public static ExampleSet Equicorrelated(int rows, int columns, double correlation, double noise, ulong seed, bool isBalanced = false)
    {
        var random = new NormalSource(seed);
        double[] weights = [.. Enumerable.Range(0, columns).Select(_ => (double)random.Next())];
        double surplus = isBalanced ? weights.Average() : 0;
        double common = Math.Sqrt(correlation);
        double own = Math.Sqrt(1 - correlation);
        return Build(rows, columns, features =>
        {
            double factor = random.Next();
            double label = noise * random.Next();
            for (int i = 0; i < columns; i++)
            {
                features[i] = common * factor + own * random.Next();
                label += (weights[i] - surplus) * features[i];
            }
            return label;
        });
    }

    /// <summary>Powers x, x², … of x uniform in 0..10, and the label sin(x) plus noise.</summary>
    public static ExampleSet Polynomial(int rows, int degree, double noise, ulong seed)
    {
        var random = new NormalSource(seed);
        return Build(rows, degree, features =>
        {
            double x = 10 * random.Uniform();
            for (int i = 0; i < degree; i++)
                features[i] = Math.Pow(x, i + 1);
            return Math.Sin(x) + noise * random.Next();
        });
    }

    /// <summary>
    /// Ten columns with three common factors and means of several standard deviations, as in medical measurements, and all their products and
    /// squares. The label is mostly noise and depends on the ten columns, and weakly on the products.
    /// </summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="mean">Mean of the ten columns, in their standard deviations.</param>
    /// <param name="noise">Standard deviation of the label's noise; the ten columns contribute a variance of 1.</param>
    /// <param name="seed">Seed of loadings, weights and rows.</param>
    public static ExampleSet WithProducts(int rows, double mean, double noise, ulong seed)
    {
        const int Columns = 10;
        const int Factors = 3;
        const double Own = 0.4;
        const double ProductShare = 0.1;
        var random = new NormalSource(seed);
        double[,] loadings = new double[Columns, Factors];
        double[] weights = new double[Columns * (Columns + 3) / 2];
        for (int i = 0; i < Columns; i++)
        {
            for (int k = 0; k < Factors; k++)
                loadings[i, k] = random.Next() / Math.Sqrt(Factors);
        }
        for (int i = 0; i < weights.Length; i++)
            weights[i] = random.Next() / Math.Sqrt(Columns) * (i < Columns ? 1 : ProductShare);
        return Build(rows, weights.Length, features =>
        {
            double[] factors = [random.Next(), random.Next(), random.Next()];
            double[] centred = new double[Columns];
            for (int i = 0; i < Columns; i++)
            {
                centred[i] = Own * random.Next();
                for (int k = 0; k < Factors; k++)
                    centred[i] += loadings[i, k] * factors[k];
                features[i] = centred[i] + mean;
            }
            double label = noise * random.Next();
            for (int i = 0, product = 0; i < Columns; i++)
            {
                label += weights[i] * centred[i];
                for (int j = i; j < Columns; j++, product++)
                {
                    features[Columns + product] = features[i] * features[j];
                    label += weights[Columns + product] * centred[i] * centred[j];
                }
            }
            return label;
        });
    }

    /// <summary>
    /// Many nearly collinear columns x_j = sin(0.01·j)·f + cos(0.003·j)·g + a little noise. The label depends on the two hidden factors of
    /// the row: y = f + ½·g + noise.
    /// </summary>
    public static ExampleSet TwoFactors(int rows, int columns, ulong seed)
    {
        const double ColumnNoise = 0.05;
        const double LabelNoise = 0.2;
        var random = new NormalSource(seed);
        return Build(rows, columns, features =>
        {
            double f = random.Next();
            double g = random.Next();
            for (int j = 0; j < columns; j++)
                features[j] = Math.Sin(0.01 * j) * f + Math.Cos(0.003 * j) * g + ColumnNoise * random.Next();
            return f + 0.5 * g + LabelNoise * random.Next();
        });
    }

    private static ExampleSet Build(int rows, int columns, Func<double[], double> fillRow)
    {
        float[][] features = new float[rows][];
        float[] labels = new float[rows];
        double[] values = new double[columns];
        for (int row = 0; row < rows; row++)
        {
            labels[row] = (float)fillRow(values);
            features[row] = [.. values.Select(value => (float)value)];
        }
        return ExampleSet.Dense(features, labels);
    }
}
