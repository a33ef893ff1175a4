using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;
using TrainingRows = MlNetRms.Rows.TrainingRows;

namespace MlNetRms.Tests.Solver;

/// <summary>The gap of any weights, trained or not, against exact minima.</summary>
public sealed class GapMeterTests
{
    private static readonly Dictionary<string, Func<Examples>> _sets = new()
    {
        ["independent"] = () => Some.Linear(1, 400, 6),
        ["weighted"] = () => Some.Linear(2, 400, 6, weighted: true),
        ["pairs"] = () => Some.Pairs(3, 400, 3, difference: 0.05),
        ["sparse"] = () => Some.SparseGroups(4, 900, 8, 10, own: 1),
        ["lognormal"] = () => Some.LogNormal(5, 500, 4, sigma: 2),
    };

    public static TheoryData<string, float, float> Points
    {
        get
        {
            var points = new TheoryData<string, float, float>();
            foreach (string set in _sets.Keys)
            {
                foreach (float size in new[] { 0, 0.001f, 1 })
                {
                    points.Add(set, size, 0);
                    points.Add(set, size, 0.1f);
                }
            }
            return points;
        }
    }

    [Theory, MemberData(nameof(Points))]
    public void Measure_WithTheCovarianceOfAllRows_IsExact(string set, float size, float l2)
    {
        Case one = Make(_sets[set](), new() { L2Regularization = l2 }, size);

        Gap gap = one.Measure();

        Assert.Equal((GapMethod.Covariance, true), (gap.Method, gap.IsSettled));
        double exact = gap.Objective - Minimum(one, l2);
        Assert.Equal(exact, gap.Value!.Value, 1e-4 * exact + 1e-10);
        Assert.True(gap.Value >= 0);
        // The step leads to the minimum.
        Assert.Equal(0, one.ObjectiveAfter(gap.Step!, l2) - Minimum(one, l2), 1e-4 * exact + 1e-10);
    }

    /// <summary>A lower bound, of the value within a factor of two or not believed.</summary>
    [Theory, MemberData(nameof(Points))]
    public void Measure_ByConjugateGradients_IsALowerBoundNearTheExactGap(string set, float size, float l2)
    {
        Case one = Make(_sets[set](), new() { Decorrelate = false, L2Regularization = l2 }, size);

        Gap few = one.Measure(mostSteps: 6);
        Gap many = one.Measure(mostSteps: 300);

        double exact = few.Objective - Minimum(one, l2);
        Assert.Equal(GapMethod.ConjugateGradients, few.Method);
        Assert.InRange(few.Value!.Value, 0, exact * (1 + 1e-6) + 1e-10);
        Assert.InRange(many.Value!.Value, few.Value.Value * (1 - 1e-12), exact * (1 + 1e-6) + 1e-10);
        Assert.True(few.Value >= exact / 2 - 1e-10 || !few.IsSettled || few.Value >= exact / 10,
            FormattableString.Invariant($"{few.Value:g4} of {exact:g4}, settled: {few.IsSettled}"));
    }

    [Theory]
    [InlineData(0.05f, 0, false)]
    [InlineData(0.05f, 0.1f, false)]
    [InlineData(0.05f, 0, true)]
    [InlineData(0.5f, 0.1f, true)]
    public void Measure_WithL1_IsAtLeastTheTrueGapAndSmallNearTheMinimum(float l1, float l2, bool nonNegative)
    {
        Examples rows = Some.Linear(6, 400, 6);
        var exact = new CoordinateDescent(rows, l1, l2, nonNegative);
        var options = new Options { L1Regularization = l1, L2Regularization = l2, NonNegativeWeights = nonNegative };
        foreach (double distance in new[] { 0, 1e-3, 0.1, 1 })
        {
            float[] noise = Some.Normals(1, rows.Width);
            double[] weights = [.. exact.Weights.Select((w, i) => nonNegative ? Math.Max(w + distance * noise[i], 0) : w + distance * noise[i]), 0];
            Case one = Make(rows, options, weights);

            Gap gap = one.Measure();

            double truth = gap.Objective - exact.Objective();
            Assert.Equal(GapMethod.Duality, gap.Method);
            Assert.InRange(truth, -1e-6, double.PositiveInfinity);        // stored values are floats
            Assert.True(gap.Value >= truth - 1e-6, FormattableString.Invariant($"{gap.Value:g4} for {truth:g4}"));
            if (distance == 0)
                Assert.InRange(gap.Value!.Value, -1e-6, 1e-5);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.03f)]
    [InlineData(1)]
    public void Measure_OfTheHuberLoss_IsNearTheExactGap(float size)
    {
        Examples rows = Some.Linear(7, 600, 5, noise: 1);
        const float Delta = 0.7f;
        float[] best = ReweightedLeastSquares.Solve(rows, residual => Math.Min(1, Delta / Math.Abs(residual)));
        Case one = Make(rows, new() { LossFunction = new HuberLoss(Delta) }, size);

        Gap gap = one.Measure();

        double ofBest = one.Passes.Gradient(one.Parameters(one.FromRaw(best))).Loss;
        double exact = gap.Objective - ofBest;
        Assert.Equal(GapMethod.ConjugateGradients, gap.Method);
        Assert.InRange(gap.Value!.Value, 0.5 * exact - 1e-6, exact * (1 + 1e-3) + 1e-6);
    }

    [Fact]
    public void Measure_NonNegativeWeights_LeavesOutThoseAtTheBound()
    {
        Examples rows = Some.Linear(8, 400, 6);
        var exact = new CoordinateDescent(rows, l1: 0, l2: 0, nonNegative: true);
        Assert.Contains(0, exact.Weights);
        double[] moved = [.. exact.Weights.Select(w => w > 0 ? w + 0.1 : 0), 0];

        Gap atMinimum = Make(rows, new() { NonNegativeWeights = true }, [.. exact.Weights, 0]).Measure();
        Gap near = Make(rows, new() { NonNegativeWeights = true }, moved).Measure();

        Assert.InRange(atMinimum.Value!.Value, 0, 1e-9);
        Assert.InRange(atMinimum.GradientNorm, 0, 1e-5);
        Assert.Equal(near.Objective - exact.Objective(), near.Value!.Value, 0.01 * near.Value.Value);
    }

    [Fact]
    public void Measure_WhatCannotBeMeasured_IsNull()
    {
        Examples rows = Some.Linear(9, 300, 3);
        var welsch = new LossOf((output, label) => 1 - Math.Exp(-Math.Pow(output - label, 2)),
            (output, label) => (float)(2 * (output - label) * Math.Exp(-Math.Pow(output - label, 2))));

        Gap notConvex = Make(rows, new() { LossFunction = welsch }, size: 0).Measure();
        Gap otherLossWithL1 = Make(rows, new() { LossFunction = new HuberLoss(1), L1Regularization = 0.1f }, size: 0).Measure();

        Assert.All([notConvex, otherLossWithL1], gap => Assert.Null(gap.Value));
        Assert.All([notConvex, otherLossWithL1], gap => Assert.Null(gap.Share(isSquared: false)));
        Assert.All([notConvex, otherLossWithL1], gap => Assert.True(gap.GradientNorm > 0));
    }

    [Theory]
    [InlineData(0.5, 0.0, 0)]
    [InlineData(0.5, 0.5 - 0.5 / 1.21, 0.1)]        // the root is a tenth above
    [InlineData(0.02, 0.015, 1)]
    public void Share_OfTheSquaredLoss_IsOfTheRoot(double objective, double gap, double expected)
    {
        var measured = new Gap(gap, GapMethod.Covariance, IsSettled: true, objective, GradientNorm: 1);

        Assert.Equal(expected, measured.Share(isSquared: true)!.Value, 1e-12);
        Assert.Equal(gap / (objective - gap), measured.Share(isSquared: false)!.Value, 1e-12);
    }

    private static double Minimum(Case one, float l2)
    {
        // Least squares on the rows as they are stored, in the units of training.
        double[][] rows = [.. Enumerable.Range(0, (int)one.Rows.Training.RowCount).Select(number =>
        {
            (float[] features, float label, float weight) = Stored.Row(one.Rows.Training.Shards[0], number);
            return (double[])[.. features.Select(x => (double)x), 1, label, weight];
        })];
        int columns = rows[0].Length - 2;
        double total = rows.Sum(row => row[^1]);
        var hessian = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build.Dense(columns, columns);
        var right = MathNet.Numerics.LinearAlgebra.Vector<double>.Build.Dense(columns);
        foreach (double[] row in rows)
        {
            for (int i = 0; i < columns; i++)
            {
                right[i] += row[^1] / total * row[i] * row[^2];
                for (int j = 0; j < columns; j++)
                    hessian[i, j] += row[^1] / total * row[i] * row[j];
            }
        }
        double labels = rows.Sum(row => row[^1] / total * row[^2] * row[^2]);
        for (int i = 0; i < columns - 1; i++)
            hessian[i, i] += l2;
        return 0.5 * (labels - right * hessian.Cholesky().Solve(right));
    }

    private static Case Make(Examples rows, Options options, float size) =>
        Make(rows, options, [.. Some.Normals(3, rows.Width + 1).Select(weight => (double)size * weight)]);

    private static Case Make(Examples rows, Options options, double[] weights)
    {
        TrainingRows read = Stored.Read(rows, options);
        TrainingSettings settings = options.ToSettings();
        var loss = new StandardizedLoss(settings.Loss, read.Scaling, read.Training, CancellationToken.None);
        return new Case(read, settings, loss, new RowPasses(read.Training, loss, numberOfThreads: 1, CancellationToken.None), weights);
    }

    private sealed record Case(TrainingRows Rows, TrainingSettings Settings, StandardizedLoss Loss, RowPasses Passes, double[] Weights)
    {
        private float L2 => Settings.Penalties.L2 ?? 0;

        public Gap Measure(int mostSteps = 50) => new GapMeter(
            Rows.Training, Passes, Loss, Settings.Penalties, L2, centersResiduals: Loss.IsSquared && Rows.Scaling.IsOn)
            .Measure(Weights, Coordinates.Begin(Settings, Rows, L2, previous: null, CancellationToken.None), mostSteps);

        public double[] Parameters(double[] byColumn)
        {
            var parameters = new double[Rows.Layout.Length];
            Rows.Layout.Arrange<double>(byColumn, parameters);
            parameters[Rows.Layout.LabelLane] = -1;
            return parameters;
        }

        public double ObjectiveAfter(double[] step, float l2)
        {
            double[] parameters = Parameters([.. Weights.Zip(step, (from, by) => from - by)]);
            double squares = Rows.Layout.Weights.Sum(range => parameters[range].Sum(weight => weight * weight));
            return Passes.Gradient(parameters).Loss + 0.5 * l2 * squares;
        }

        /// <summary>Weights in raw units, the bias last, in the units of training.</summary>
        public double[] FromRaw(float[] raw)
        {
            double label = Rows.Scaling.LabelStandardDeviation;
            double bias = raw[^1] - Rows.Scaling.LabelCenter;
            var weights = new double[raw.Length];
            for (int column = 0; column < raw.Length - 1; column++)
            {
                weights[column] = raw[column] / Rows.Scaling.Scale(column) / label;
                bias += raw[column] * (double)Rows.Scaling.Center(column);
            }
            weights[^1] = bias / label;
            return weights;
        }
    }
}
