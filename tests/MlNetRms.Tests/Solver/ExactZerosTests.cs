using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using PackedRows = MlNetRms.Rows.PackedRows;
using TrainingRows = MlNetRms.Rows.TrainingRows;

namespace MlNetRms.Tests.Solver;

/// <summary>
/// Which weights an L1 penalty makes 0: those where moving away from 0 costs more penalty than it saves loss. The slope of the loss
/// at 0 is found here in double, by central differences of the objective over all rows.
/// </summary>
public sealed class ExactZerosTests
{
    private const double Distance = 1e-5;

    /// <summary>Central differences are off by the distance at a kink of the second derivative; predictions are rounded to float.</summary>
    private const double Border = 2e-5;

    private static readonly Dictionary<string, IRegressionLoss?> _losses = new()
    {
        ["squared"] = null,
        ["squared of ML.NET"] = new SquaredLoss(),
        ["Huber 0.5"] = new HuberLoss(0.5f),
        ["Huber 3"] = new HuberLoss(3),
        ["log-cosh"] = new LogCoshLoss(0.7f),
    };

    public static TheoryData<string, bool, bool, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, bool, bool, bool>();
            foreach (string loss in _losses.Keys)
            {
                foreach (bool sparse in new[] { false, true })
                {
                    cases.Add(loss, sparse, false, true);
                    cases.Add(loss, sparse, true, true);
                    cases.Add(loss, sparse, false, false);
                }
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Apply_AnyWeights_MakesZeroWhatTheSlopeAtZeroSays(string name, bool sparse, bool weighted, bool standardize)
    {
        Examples rows = sparse ? Some.MostlyZero(1, 300, 3, 80, 4) : Some.Linear(1, 300, 12, noise: 1);
        if (weighted)
            rows = new Examples(rows.Features, rows.Labels, Enumerable.Range(0, rows.Count).Select(row => 0.25f + row % 5).ToArray());
        using TrainingRows read = Stored.Read(rows, new() { Standardize = standardize });
        var loss = new StandardizedLoss(LossFunctions.Bind(_losses[name]), read.Scaling, read.Training, CancellationToken.None);
        double[] weights = [.. Some.Normals(3, rows.Width + 1).Select(w => 0.1 * w)];
        double[] slopes = Slopes(read, _losses[name], weights);
        double penalty = InTheWidestGap([.. slopes.Select(Math.Abs).Order()]);        // about half of the weights are not worth it

        double[] actual = [.. weights];
        new ExactZeros(read.Training, loss, new PenaltySettings(L2: 0.3f, L1: (float)penalty, NonNegativeWeights: false, null),
            CancellationToken.None).Apply(actual);

        Assert.Equal(slopes.Select((slope, column) => Math.Abs(slope) < penalty ? 0 : weights[column]), actual[..^1]);
        Assert.Equal(weights[^1], actual[^1]);        // the bias has no penalty
        Assert.InRange(actual.Count(w => w == 0), 0.3 * rows.Width, 0.7 * rows.Width);
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(1e-9f, false, true)]
    [InlineData(0, true, true)]
    public void IsNeeded_AnyPenaltyAndBound_IsWhetherThereIsOne(float penalty, bool nonNegative, bool expected)
    {
        using TrainingRows read = Stored.Read(Some.Linear(1, 5, 2), new());
        var loss = new StandardizedLoss(LossSettings.HalfSquared, read.Scaling, read.Training, CancellationToken.None);

        Assert.Equal(expected,
            new ExactZeros(read.Training, loss, new PenaltySettings(1, penalty, nonNegative, null), CancellationToken.None).IsNeeded);
    }

    /// <summary>Between two numbers of the middle third that are far enough apart for every rounding.</summary>
    private static double InTheWidestGap(double[] sorted)
    {
        int lower = Enumerable.Range(sorted.Length / 3, sorted.Length / 3).MaxBy(i => sorted[i + 1] - sorted[i]);
        Assert.True(sorted[lower + 1] - sorted[lower] > 2 * Border, "The slopes are too close to each other to tell anything.");
        return (sorted[lower] + sorted[lower + 1]) / 2;
    }

    /// <summary>For each column the slope of the mean loss, in the units of training, at a weight of 0 with the others as they are.</summary>
    private static double[] Slopes(TrainingRows read, IRegressionLoss? loss, double[] weights)
    {
        PackedRows store = read.Training.Shards[0];
        (float[] Features, float Label, float Weight)[] rows = [.. Enumerable.Range(0, (int)store.RowCount).Select(row => Stored.Row(store, row))];
        double scale = read.Scaling.LabelStandardDeviation;
        float Raw(double standardized) => (float)(read.Scaling.LabelCenter + scale * standardized);
        bool isSquared = loss is null or SquaredLoss;
        double total = rows.Sum(row => (double)row.Weight);
        double divisor = isSquared || !read.Scaling.IsOn ? 1
            : Math.Sqrt(rows.Sum(row => row.Weight * Math.Pow(loss!.Derivative(Raw(0), Raw(row.Label)), 2)) / total);
        double[] predictions = [.. rows.Select(row => weights[^1] + row.Features.Zip(weights, (x, w) => x * w).Sum())];
        return [.. Enumerable.Range(0, weights.Length - 1)
            .Select(column => (Objective(column, Distance) - Objective(column, -Distance)) / (2 * Distance))];

        double Objective(int column, double weight)
        {
            double sum = 0;
            for (int row = 0; row < rows.Length; row++)
            {
                (float[] features, float label, float rowWeight) = rows[row];
                double prediction = predictions[row] + (weight - weights[column]) * features[column];
                // A loss takes floats, too coarse for differences: to first order it continues as its derivative says.
                sum += rowWeight * (isSquared
                    ? 0.5 * Math.Pow(prediction - label, 2)
                    : Value(loss!, read.Scaling.LabelCenter + scale * prediction, read.Scaling.LabelCenter + scale * label) / (scale * divisor));
            }
            return sum / total;
        }
    }

    private static double Value(IRegressionLoss loss, double prediction, double label)
    {
        double r = Math.Abs(prediction - label);
        return loss switch
        {
            HuberLoss { Delta: var delta } => r <= delta ? 0.5 * r * r : delta * (r - 0.5 * delta),
            LogCoshLoss { Scale: var s } => s * s * Math.Log(Math.Cosh(r / s)),
            _ => throw new ArgumentException("the oracle has no such loss", nameof(loss)),
        };
    }
}
