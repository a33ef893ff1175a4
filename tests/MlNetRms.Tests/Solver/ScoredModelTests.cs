using Microsoft.ML.Trainers;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Solver;

/// <summary>The report describes the model as ML.NET scores it, also where floats are at their end.</summary>
public sealed class ScoredModelTests
{
    private const double Noise = 0.1;

    private static readonly Dictionary<string, Func<int, int, Examples>> _sets = new()
    {
        ["ordinary"] = (seed, count) => Some.Linear(seed, count, 4, weighted: true),
        ["five columns at 1e7"] = (seed, count) => Some.Linear(seed, count, [1, 1, 1, 1, 1], means: [1e7, 1e7, 1e7, 1e7, 1e7], noise: Noise),
        ["seconds of a day"] = Seconds,
        ["a label of a million"] = (seed, count) => Some.Linear(seed, count, [1, 2], noise: 0.01, labelOffset: 1e6),
        ["a difference of 1e-6"] = Difference,
        ["mostly zero"] = (seed, count) => Some.MostlyZero(seed, count, 2, 80, 3),
    };

    public static TheoryData<string, int, string> Sets
    {
        get
        {
            var data = new TheoryData<string, int, string>();
            foreach (string set in _sets.Keys)
            {
                foreach (int count in new[] { 700, 1000, 1001, 9000 })
                {
                    data.Add(set, count, "squared");
                    if (count is 700 or 9000)
                        data.Add(set, count, "Huber");
                }
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Sets))]
    public void Fit_AnySet_ReportsTheLossOfTheScores(string set, int count, string loss)
    {
        Examples rows = _sets[set](1, count);
        IRegressionLoss? function = loss == "Huber" ? new HuberLoss(0.3f) : null;

        RmsPropRegressionTransformer model = rows.Fit(new()
        {
            LossFunction = function,
            ExampleWeightColumnName = rows.Weights is null ? null : nameof(Example.Weight),
        });

        (double mean, double squares, double spread) = Scored(rows, model, function);
        // All rows are measured, or a few hundred of them.
        double tolerance = count <= 1000 ? 1e-5 : 0.2;
        Assert.Equal(mean, model.Training.TrainingLoss, tolerance * mean);
        Assert.Equal(squares / spread, 1 - model.Training.RSquared!.Value, tolerance * squares / spread);
        double deviation = Math.Sqrt(squares * count / (count - 1 - rows.OccurringColumns));
        Assert.Equal(deviation, model.Training.ResidualStandardDeviation!.Value, tolerance * deviation);
    }

    [Theory]
    [InlineData("ordinary")]
    [InlineData("five columns at 1e7")]
    public void FitParts_AnyNumberOfParts_ReportsTheLossOfTheScores(string set)
    {
        Examples rows = _sets[set](1, 3000);
        var ml = new MLContext(1);

        RmsPropRegressionTransformer model = ml.Regression.Trainers.RmsProp(new Options())
            .FitParts([.. Enumerable.Range(0, 3).Select(part => rows.Take(Enumerable.Range(0, 3000).Where(row => row % 3 == part)).View(ml))]);

        (double mean, _, _) = Scored(rows, model, loss: null);
        Assert.Equal(mean, model.Training.TrainingLoss, 0.15 * mean);        // a third of a thousand rows of each part
    }

    [Fact]
    public void Fit_ColumnsFarFromZero_ScoresFarWorseThanUnroundedWeightsWould()
    {
        // Otherwise the tests above would show nothing.
        Examples rows = _sets["five columns at 1e7"](1, 2000);
        RmsPropRegressionTransformer model = rows.Fit();

        Assert.InRange(model.Rmse(rows), 3 * Noise, double.MaxValue);
    }

    private static (double Loss, double Squares, double Spread) Scored(Examples rows, RmsPropRegressionTransformer model, IRegressionLoss? loss)
    {
        float[] scores = model.Scores(rows.View(new MLContext(1)));
        double weight = Enumerable.Range(0, rows.Count).Sum(row => (double)rows.Weight(row));
        double center = Mean(row => rows.Labels[row]);
        double squares = Mean(row => Math.Pow((double)scores[row] - rows.Labels[row], 2));
        return (loss is null ? squares / 2 : Mean(row => loss.Loss(scores[row], rows.Labels[row])), squares,
            Mean(row => Math.Pow(rows.Labels[row] - center, 2)));

        double Mean(Func<int, double> value) => Enumerable.Range(0, rows.Count).Sum(row => rows.Weight(row) * value(row)) / weight;
    }

    private static Examples Seconds(int seed, int count)
    {
        var random = new Random(seed);
        double[] times = [.. Enumerable.Range(0, count).Select(_ => 86_400 * random.NextDouble())];
        return new Examples([.. times.Select(time => new[] { (float)(1.7e9 + time) })],
            [.. times.Select(time => (float)(time / 25_000 + 0.01 * Some.Normal(random)))]);
    }

    private static Examples Difference(int seed, int count)
    {
        var random = new Random(seed);
        float[][] rows = [.. Enumerable.Range(0, count).Select(_ => Some.Normal(random))
            .Select(x => new[] { (float)x, (float)(x + 1e-6 * Some.Normal(random)) })];
        return new Examples(rows, [.. rows.Select(row => (float)(1e6 * ((double)row[1] - row[0]) + 0.1 * Some.Normal(random)))]);
    }
}
