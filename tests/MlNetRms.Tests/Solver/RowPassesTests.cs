using MlNetRms.Rows;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Solver;

/// <summary>Passes over all rows against plain sums and finite differences of them.</summary>
public sealed class RowPassesTests
{
    /// <summary>Whether there are sparse columns, example weights, several shards, and the Huber loss.</summary>
    public static TheoryData<bool, bool, bool, bool> Cases
    {
        get
        {
            var cases = new TheoryData<bool, bool, bool, bool>();
            foreach (int k in Enumerable.Range(0, 16))
                cases.Add((k & 1) != 0, (k & 2) != 0, (k & 4) != 0, (k & 8) != 0);
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Gradient_AtAnyPoint_IsThatOfTheMeanLoss(bool sparse, bool weighted, bool divided, bool isHuber)
    {
        using TrainingRows rows = Read(sparse, weighted, divided);
        (StandardizedLoss loss, RowPasses passes) = Make(rows, isHuber);
        double[] parameters = SomePoint(rows.Layout);

        RowSums sums = passes.Gradient(parameters);

        double expected = MeanLoss(rows, loss, parameters);
        Assert.Equal(expected, sums.Loss, (isHuber ? 1e-6 : 1e-12) * expected);        // other losses are of floats
        Assert.Equal(Mean(rows, parameters, (residual, _) => Math.Abs(residual)), sums.MeanSize, 1e-9);
        double distance = isHuber ? 1e-2 : 0.1;
        for (int column = 0; column <= rows.Layout.ColumnCount; column += sparse ? 9 : 1)
        {
            int position = rows.Layout.Position(column);
            double above = MeanLoss(rows, loss, Moved(parameters, position, distance));
            double slope = (above - MeanLoss(rows, loss, Moved(parameters, position, -distance))) / (2 * distance);
            Assert.Equal(slope, sums.Gradient[position], isHuber ? 1e-3 : 1e-9);
        }
        Assert.All(NoParameters(rows.Layout), position => Assert.Equal(0, sums.Gradient[position]));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Curvature_InAnyDirection_IsTheChangeOfTheGradient(bool sparse, bool weighted, bool divided, bool isHuber)
    {
        using TrainingRows rows = Read(sparse, weighted, divided);
        (StandardizedLoss loss, RowPasses passes) = Make(rows, isHuber);
        double[] parameters = SomePoint(rows.Layout);
        double[] direction = SomePoint(rows.Layout, seed: 5);
        direction[rows.Layout.LabelLane] = 0;
        const double Width = 0.3;

        (double[] product, bool isConvex) = passes.Curvature(parameters, direction, Width);

        // Second derivatives by a difference of first ones: full within the kinks of the Huber loss, and less where they are near.
        double[] expected = new double[rows.Layout.Length];
        double total = 0;
        foreach ((double[] row, float label, float weight) in Rows(rows))
        {
            double residual = Dot(row, parameters) - label;
            double curvature = isHuber ? Factor(rows, loss) * (Clipped(residual + Width) - Clipped(residual - Width)) / (2 * Width) : 1;
            total += weight;
            for (int i = 0; i < row.Length; i++)
                expected[i] += weight * curvature * Dot(row, direction) * row[i];
        }
        Assert.True(isConvex);
        double largest = expected.Max(value => Math.Abs(value / total));
        Assert.All(expected.Zip(product), pair => Assert.Equal(pair.First / total, pair.Second, (isHuber ? 1e-4 : 1e-11) * largest));

        double Clipped(double residual) => Math.Clamp(residual, -Delta(rows), Delta(rows));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Losses_AlongALine_AreMeanLossesAtItsPoints(bool sparse, bool weighted, bool divided, bool isHuber)
    {
        using TrainingRows rows = Read(sparse, weighted, divided);
        (StandardizedLoss loss, RowPasses passes) = Make(rows, isHuber);
        double[] parameters = SomePoint(rows.Layout);
        double[] direction = SomePoint(rows.Layout, seed: 5);
        direction[rows.Layout.LabelLane] = 0;
        double[] steps = [-1, 0, 0.5, 2];

        double[] losses = passes.Losses(parameters, direction, steps);

        Assert.All(steps.Zip(losses), pair =>
        {
            double expected = MeanLoss(rows, loss, [.. parameters.Zip(direction, (from, by) => from - pair.First * by)]);
            Assert.Equal(expected, pair.Second, (isHuber ? 1e-5 : 1e-12) * expected);
        });
    }

    [Fact]
    public void Curvature_OfALossThatBendsDown_IsNotConvex()
    {
        using TrainingRows rows = Read(sparse: false, weighted: false, divided: false);
        var welsch = new LossOf((output, label) => 1 - Math.Exp(-Math.Pow(output - label, 2)),
            (output, label) => (float)(2 * (output - label) * Math.Exp(-Math.Pow(output - label, 2))));
        var loss = new StandardizedLoss(new Options { LossFunction = welsch }.ToSettings().Loss, rows.Scaling, rows.Training, CancellationToken.None);
        double[] direction = SomePoint(rows.Layout, seed: 5);
        direction[rows.Layout.LabelLane] = 0;

        (_, bool isConvex) = new RowPasses(rows.Training, loss, numberOfThreads: 1, CancellationToken.None)
            .Curvature(SomePoint(rows.Layout), direction, width: 0.1);

        Assert.False(isConvex);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradient_OnSeveralThreads_GivesIdenticalBits(bool isHuber)
    {
        using TrainingRows rows = Stored.Read(Some.Linear(1, 70_000, 14), new());        // more than a million values
        double[] parameters = SomePoint(rows.Layout);

        RowSums[] sums = [.. new[] { 1, 2, 5 }.Select(threads => Make(rows, isHuber, threads).Passes.Gradient(parameters))];

        Assert.All(sums, one => Assert.Equal((sums[0].Loss, sums[0].MeanSize), (one.Loss, one.MeanSize)));
        Assert.All(sums, one => Assert.Equal(sums[0].Gradient, one.Gradient));
        Assert.Equal(MeanLoss(rows, Make(rows, isHuber).Loss, parameters), sums[0].Loss, 1e-6 * sums[0].Loss);
    }

    [Fact]
    public void Gradient_Cancelled_Throws()
    {
        using TrainingRows rows = Read(sparse: false, weighted: false, divided: false);
        (StandardizedLoss loss, _) = Make(rows, isHuber: false);
        var passes = new RowPasses(rows.Training, loss, numberOfThreads: 1, new CancellationToken(canceled: true));

        Assert.ThrowsAny<OperationCanceledException>(() => passes.Gradient(SomePoint(rows.Layout)));
    }

    private static TrainingRows Read(bool sparse, bool weighted, bool divided)
    {
        Examples rows = sparse ? Some.SparseGroups(1, 500, 8, 10, own: 0.5) : Some.Linear(1, 300, 7);
        if (weighted)
            rows = new Examples(rows.Features, rows.Labels, [.. Enumerable.Range(0, rows.Count).Select(row => 0.25f + row % 7)]);
        Examples[] parts = divided
            ? [rows.Take(Enumerable.Range(0, 70)), rows.Take(Enumerable.Range(70, 1)), rows.Take(Enumerable.Range(71, rows.Count - 71))] : [rows];
        return Stored.Read([.. parts.Select(part => part.View(new MLContext(1)))],
            new Options { ExampleWeightColumnName = weighted ? nameof(Example.Weight) : null });
    }

    private static (StandardizedLoss Loss, RowPasses Passes) Make(TrainingRows rows, bool isHuber, int threads = 1)
    {
        LossSettings settings = new Options { LossFunction = isHuber ? new HuberLoss(0.5f) : null }.ToSettings().Loss;
        var loss = new StandardizedLoss(settings, rows.Scaling, rows.Training, CancellationToken.None);
        return (loss, new RowPasses(rows.Training, loss, threads, CancellationToken.None));
    }

    /// <summary>Where the Huber loss turns, in the units of training.</summary>
    private static double Delta(TrainingRows rows) => 0.5 / rows.Scaling.LabelStandardDeviation;

    /// <summary>The objective of other losses than the squared one has a unit of its own.</summary>
    private static double Factor(TrainingRows rows, StandardizedLoss loss) =>
        loss.ObjectiveFactor * Math.Pow(rows.Scaling.LabelStandardDeviation, 2);

    private static double[] SomePoint(RowLayout layout, int seed = 3)
    {
        var point = new double[layout.Length];
        layout.Arrange<double>(Array.ConvertAll(Some.Normals(seed, layout.ColumnCount + 1), value => 0.3 * value), point);
        point[layout.LabelLane] = -1;
        return point;
    }

    private static double[] Moved(double[] parameters, int position, double distance)
    {
        double[] moved = [.. parameters];
        moved[position] += distance;
        return moved;
    }

    private static double MeanLoss(TrainingRows rows, StandardizedLoss loss, double[] parameters) => Mean(rows, parameters, (residual, label) =>
        loss.IsSquared ? residual * residual / 2
            : Factor(rows, loss) * (Math.Abs(residual) <= Delta(rows)
                ? residual * residual / 2 : Delta(rows) * (Math.Abs(residual) - Delta(rows) / 2)));

    private static double Mean(TrainingRows rows, double[] parameters, Func<double, float, double> ofResidual)
    {
        double sum = 0, total = 0;
        foreach ((double[] row, float label, float weight) in Rows(rows))
        {
            sum += weight * ofResidual(Dot(row, parameters) - label, label);
            total += weight;
        }
        return sum / total;
    }

    /// <summary>The rows of all shards, laid out as the parameters are, with a 1 for the bias and nothing for the label.</summary>
    private static IEnumerable<(double[] Row, float Label, float Weight)> Rows(TrainingRows rows)
    {
        foreach (PackedRows shard in rows.Training.Shards)
        {
            for (long number = 0; number < shard.RowCount; number++)
            {
                (float[] features, float label, float weight) = Stored.Row(shard, number);
                var row = new double[rows.Layout.Length];
                rows.Layout.Arrange<double>([.. features.Select(value => (double)value), 1], row);
                yield return (row, label, weight);
            }
        }
    }

    private static IEnumerable<int> NoParameters(RowLayout layout) =>
        Enumerable.Range(layout.BiasLane + 1, layout.DenseLength - layout.BiasLane - 1);

    private static double Dot(double[] row, double[] parameters)
    {
        double sum = 0;
        for (int i = 0; i < row.Length; i++)
            sum += row[i] * parameters[i];
        return sum;
    }
}
