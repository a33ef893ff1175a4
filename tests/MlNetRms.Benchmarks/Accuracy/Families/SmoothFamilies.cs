namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>Many dense columns that are nearly combinations of others.</summary>
internal static class SmoothFamilies
{
    public static IReadOnlyList<Family> All { get; } =
    [
        new("300 pairs that differ by 0.01", seed => Pairs(10_000, 300, seed), seed => Pairs(2000, 260, seed)),
        new("600 lags of a series", seed => Lags(5000, 600, seed), seed => Lags(2000, 520, seed)),
        new("700 points of a spectrum", seed => Spectra(5000, 700, seed), seed => Spectra(2000, 520, seed)),
        new("600 columns of 30 factors", seed => Factors(10_000, 600, seed), seed => Factors(2000, 520, seed)),
    ];

    /// <summary>Pairs of columns that differ by noise of 0.01, which is all that affects the label.</summary>
    public static ExampleSet Pairs(int rows, int pairs, ulong seed)
    {
        const double Difference = 0.01;
        var random = new NormalSource(seed);
        double[] weights = random.Normals(pairs);
        return Family.Make(rows, 2 * pairs, (_, features) =>
        {
            double label = random.Next();
            for (int i = 0; i < pairs; i++)
            {
                double own = random.Next();
                features[2 * i] = random.Next();
                features[2 * i + 1] = features[2 * i] + Difference * own;
                label += weights[i] * own;
            }
            return label;
        });
    }

    /// <summary>The values of an autoregressive series x ← 0.995·x + noise; each row begins one step later.</summary>
    public static ExampleSet Lags(int rows, int lags, ulong seed)
    {
        const double Memory = 0.995;
        var random = new NormalSource(seed);
        double[] series = new double[rows + lags];
        for (int t = 1; t < series.Length; t++)
            series[t] = Memory * series[t - 1] + random.Next();
        return Family.Make(rows, lags, (row, features) =>
        {
            series.AsSpan(row, lags).CopyTo(features);
            return features[0] - 0.5 * features[7] + 0.5 * random.Next();
        });
    }

    /// <summary>
    /// Curves of eight bells at random places with random heights, measured with a little noise at evenly spaced points; the label is the sum of
    /// three of the heights.
    /// </summary>
    public static ExampleSet Spectra(int rows, int points, ulong seed)
    {
        const int Bells = 8;
        const double Width = 0.1;
        const double PointNoise = 0.003;
        const double LabelNoise = 0.1;
        var random = new NormalSource(seed);
        double[,] bells = new double[Bells, points];
        for (int bell = 0; bell < Bells; bell++)
        {
            double place = random.Uniform();
            for (int i = 0; i < points; i++)
                bells[bell, i] = Math.Exp(-0.5 * Math.Pow(((double)i / points - place) / Width, 2));
        }
        return Family.Make(rows, points, (_, features) =>
        {
            double label = LabelNoise * random.Next();
            for (int bell = 0; bell < Bells; bell++)
            {
                double height = random.Next();
                if (bell < 3)
                    label += height;
                for (int i = 0; i < points; i++)
                    features[i] += height * bells[bell, i];
            }
            for (int i = 0; i < points; i++)
                features[i] += PointNoise * random.Next();
            return label;
        });
    }

    /// <summary>Columns with 30 common factors and a part of their own; both affect the label.</summary>
    public static ExampleSet Factors(int rows, int columns, ulong seed)
    {
        const int Count = 30;
        const double Own = 0.1;
        var random = new NormalSource(seed);
        double[] loadings = random.Normals(columns * Count);
        double[] weights = random.Normals(columns);
        double[] factors = new double[Count];
        return Family.Make(rows, columns, (_, features) =>
        {
            double label = random.Next();
            for (int k = 0; k < Count; k++)
                label += factors[k] = random.Next();
            for (int i = 0; i < columns; i++)
            {
                double own = random.Next();
                features[i] = Own * own;
                label += weights[i] * own / Math.Sqrt(columns);
                for (int k = 0; k < Count; k++)
                    features[i] += loadings[i * Count + k] * factors[k] / Math.Sqrt(Count);
            }
            return label;
        });
    }
}
