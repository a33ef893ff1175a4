using MathNet.Numerics.LinearAlgebra;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Accuracy;

/// <summary>Default options on nearly collinear columns and on rows of very different weights, compared with the exact solution.</summary>
public sealed class IllConditionedTests
{
    private static readonly Dictionary<string, Func<int, Examples>> _sets = new()
    {
        ["10 rotated columns of condition 1e2"] = seed => Rotated(seed, 100),
        ["10 rotated columns of condition 1e4"] = seed => Rotated(seed, 1e4),
        ["10 rotated columns of condition 1e5"] = seed => Rotated(seed, 1e5),
        ["100 columns of correlation 0.9"] = seed => Correlated(seed, 0.9),
        ["100 columns of correlation 0.999"] = seed => Correlated(seed, 0.999),
        ["polynomial of degree 3"] = seed => Polynomial(seed, 3),
        ["polynomial of degree 7"] = seed => Polynomial(seed, 7),
        ["a column beside the mean of a hundred"] = seed => WithMean(seed),
    };

    public static TheoryData<string, int> Sets
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string set in _sets.Keys)
            {
                foreach (int seed in new[] { 1, 2, 3 })
                    data.Add(set, seed);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Sets))]
    public void Fit_DefaultOptions_IsWithinAHundredthOfAPercentOfLeastSquares(string set, int seed)
    {
        Examples rows = _sets[set](seed);

        Assert.InRange(Excess(rows, new()), -1e-4, 1e-4);        // rounding can also happen to bring a score nearer to its label
    }

    /// <summary>Where the float weights and scores of any model lose more than that.</summary>
    public static TheoryData<string, int> AtTheLimit
    {
        get
        {
            var data = new TheoryData<string, int>();
            string[] sets = ["a difference of 1e-5", "a difference of 1e-6", "powers of the year", "powers of 61 years", "rotated, 1e6"];
            foreach (string set in sets)
            {
                foreach (int seed in new[] { 1, 2, 3 })
                    data.Add(set, seed);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(AtTheLimit))]
    public void Fit_DirectionThatOnlyJustFitsIntoFloats_IsAsGoodAsLeastSquaresRoundedToFloat(string set, int seed)
    {
        Examples rows = set switch
        {
            "a difference of 1e-5" => Difference(seed, 1e-5),
            "a difference of 1e-6" => Difference(seed, 1e-6),
            "powers of the year" => Years(seed, 2000),
            "powers of 61 years" => Years(seed, 61),
            _ => Rotated(seed, 1e6),
        };
        (float[] weights, float bias) = new LeastSquares(rows).Rounded();
        double reachable = Models.Linear(weights, bias).Rmse(rows);

        RmsPropRegressionTransformer model = rows.Fit();

        // Which of the neighbouring floats a weight rounds to is chance, and so is the error.
        Assert.InRange(model.Rmse(rows), 0, (set.StartsWith("powers", StringComparison.Ordinal) ? 1.5 : 1.05) * reachable);
        Assert.Equal(0, model.Training.DroppedDirections);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Fit_WithoutWhitening_IsFarFromLeastSquares(int seed) =>
        // Otherwise the tests above would show nothing.
        Assert.InRange(Excess(Rotated(seed, 1e4), new() { Decorrelate = false }), 0.1, double.MaxValue);

    public static TheoryData<string, int> Weightings
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (string weighting in new[] { "exp(2x)", "spread over six powers of ten" })
            {
                foreach (int seed in new[] { 1, 2, 3 })
                    data.Add(weighting, seed);
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Weightings))]
    public void Fit_ExampleWeights_IsWithinAFiftiethOfAPercentOfWeightedLeastSquares(string weighting, int seed)
    {
        // A curve, so that the weights decide which line is best.
        Examples linear = Some.Linear(seed, 5000, 5);
        var random = new Random(seed);
        var rows = new Examples(linear.Features, [.. linear.Labels.Select((y, row) => y + 0.5f * linear.Features[row][0] * linear.Features[row][0])],
            [.. linear.Features.Select(row => (float)(weighting == "exp(2x)" ? Math.Exp(2 * row[0]) : Math.Pow(10, 6 * random.NextDouble() - 3)))]);

        Assert.InRange(Excess(rows, new() { ExampleWeightColumnName = nameof(Example.Weight) }), -1e-5, 2e-4);
    }

    [Theory]
    [InlineData(1e-2f)]
    [InlineData(1e-4f)]
    [InlineData(1e-6f)]
    public void Fit_Centered_IsWithinATenthOfAPercentOfLeastSquaresWhateverEpsilon(float epsilon)
    {
        foreach (int seed in new[] { 1, 2, 3 })
        {
            foreach (bool decorrelate in new[] { true, false })
                Assert.InRange(Excess(Some.Linear(seed, 1000, 5), new() { Centered = true, Epsilon = epsilon, Decorrelate = decorrelate }),
                    -1e-5, 1e-3);
        }
    }

    [Fact]
    public void Fit_DuplicateColumns_ShareTheirWeight()
    {
        Examples rows = Some.Linear(1, 1000, 3, noise: 0.1);
        var doubled = new Examples([.. rows.Features.Select(row => row.Append(row[0]).ToArray())], rows.Labels);

        (float[] single, float[] shared) = (rows.Fit().Parameters(), doubled.Fit().Parameters());

        Assert.Equal(shared[0], shared[3], 1e-6f);
        Models.AssertClose(single, [2 * shared[0], shared[1], shared[2], shared[4]], 1e-4);
    }

    private static double Excess(Examples rows, RmsPropRegressionTrainer.Options options) =>
        rows.Fit(options).Rmse(rows) / new LeastSquares(rows).Rmse(rows) - 1;

    /// <summary>Rotated directions with standard deviations from 1 down to 1 / condition, each of which affects the label.</summary>
    private static Examples Rotated(int seed, double condition)
    {
        const int Columns = 10;
        var random = new Random(seed);
        Matrix<double> basis = Matrix<double>.Build.Dense(Columns, Columns, (_, _) => Some.Normal(random)).QR().Q;
        return Make(random, 2000, z => [.. (basis * Vector<double>.Build.Dense(Columns, i => z[i] * Math.Pow(condition, -i / (Columns - 1.0))))],
            Columns);
    }

    /// <summary>Columns with a common part; the label depends on the rest of each column.</summary>
    private static Examples Correlated(int seed, double correlation) =>
        Make(new Random(seed), 2000,
            z => [.. Enumerable.Range(0, 100).Select(i => Math.Sqrt(correlation) * z[100] + Math.Sqrt(1 - correlation) * z[i])], 101);

    private static Examples Polynomial(int seed, int degree)
    {
        var random = new Random(seed);
        double[] x = [.. Enumerable.Range(0, 1000).Select(_ => 10 * random.NextDouble())];
        return new Examples([.. x.Select(at => Enumerable.Range(1, degree).Select(power => (float)Math.Pow(at, power)).ToArray())],
            [.. x.Select(at => (float)(Math.Sin(at) + 0.1 * Some.Normal(random)))]);
    }

    /// <summary>Two columns that differ by little; the label is their difference, and noise.</summary>
    private static Examples Difference(int seed, double size)
    {
        var random = new Random(seed);
        float[][] rows = [.. Enumerable.Range(0, 2000).Select(_ => Some.Normal(random))
            .Select(x => new[] { (float)x, (float)(x + size * Some.Normal(random)) })];
        return new Examples(rows, [.. rows.Select(row => (float)(((double)row[1] - row[0]) / size + 0.1 * Some.Normal(random)))]);
    }

    /// <summary>Powers of the year, each of 1960 to 2020 in turn; the label is a curve, and noise.</summary>
    private static Examples Years(int seed, int count)
    {
        var random = new Random(seed);
        double[] years = [.. Enumerable.Range(0, count).Select(row => 1960.0 + row % 61)];
        return new Examples([.. years.Select(year => new[] { (float)year, (float)(year * year), (float)(year * year * year) })],
            [.. years.Select(year => (year - 1990) / 30).Select(t => (float)(t + 2 * t * t - 3 * t * t * t + 0.05 * Some.Normal(random)))]);
    }

    private static Examples WithMean(int seed)
    {
        Examples rows = Some.Linear(seed, 2000, 100);
        return new Examples([.. rows.Features.Select(row => row.Append(row.Sum() / row.Length).ToArray())], rows.Labels);
    }

    private static Examples Make(Random random, int count, Func<double[], double[]> features, int directions)
    {
        double[] effects = [.. Enumerable.Range(0, directions).Select(_ => Some.Normal(random))];
        var rows = new float[count][];
        var labels = new float[count];
        for (int row = 0; row < count; row++)
        {
            double[] z = [.. effects.Select(_ => Some.Normal(random))];
            rows[row] = [.. features(z).Select(x => (float)x)];
            labels[row] = (float)(z.Zip(effects, (x, effect) => x * effect).Sum() + 0.5 * Some.Normal(random));
        }
        return new Examples(rows, labels);
    }
}
