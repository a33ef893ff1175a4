using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;


namespace MlNetRms.Solver;

/// <summary>Computes <see cref="FitStatistics"/>: one pass over the rows for each mean.</summary>
internal sealed class Evaluation(TrainingRows rows, StandardizedLoss loss, Whitening? decorrelation, bool isPenalized, CancellationToken cancellation)
{
    /// <param name="weights">The returned weights by column, the bias last, in the units of training.</param>
    public FitStatistics Of(double[] weights)
    {
        Scaling scaling = rows.Scaling;
        var constant = new double[weights.Length];
        constant[^1] = scaling.ScaledLabelMean;
        var losses = new MeanLoss(rows.Training, loss, cancellation);
        StandardizedLoss squared = loss.IsSquared ? loss : new StandardizedLoss(LossSettings.HalfSquared, scaling, rows.Training, cancellation);
        var squares = new MeanLoss(rows.Training, squared, cancellation);
        double residual = 2 * squares.Of(weights);
        double spread = scaling.ScaledLabelVariance;
        double lossOfWeights = loss.IsSquared ? residual / 2 : losses.Of(weights);
        double lossOfConstant = loss.IsSquared ? spread / 2 : losses.Of(constant);

        long freedom = rows.Training.RowCount - 1 - (decorrelation?.DirectionCount + rows.Layout.SparseCount ?? VaryingColumns());
        double? deviation = freedom > 0
            ? Math.Sqrt(residual * rows.Training.RowCount / freedom) * scaling.LabelStandardDeviation : null;
        return new FitStatistics(loss.ReportFactor * lossOfWeights, loss.ReportFactor * lossOfConstant,
            spread > 0 ? 1 - residual / spread : null, deviation, StandardErrors(deviation));
    }

    /// <summary>Mean loss of some weights on the training rows, in the units of the reports.</summary>
    public double LossOf(double[] weights) => loss.ReportFactor * new MeanLoss(rows.Training, loss, cancellation).Of(weights);

    /// <summary>
    /// σ̂·√((C⁻¹)ⱼⱼ / n) with the covariance C of all rows: those of least squares, which the weights are close to. Only without penalties
    /// and with all columns dense.
    /// </summary>
    private double[]? StandardErrors(double? deviation)
    {
        if (deviation is not { } sigma || decorrelation is not { IsOfAllRows: true } || !loss.IsSquared || isPenalized || rows.Layout.SparseCount > 0)
            return null;
        double[] inverse = decorrelation.InverseDiagonal();
        var errors = new double[rows.Layout.ColumnCount];
        for (int column = 0; column < errors.Length; column++)
            errors[column] = sigma * Math.Sqrt(inverse[rows.Layout.Position(column)] / rows.Training.RowCount) * rows.Scaling.Scale(column);
        return errors;
    }

    private int VaryingColumns() => rows.Scaling.Columns.FeatureCount - rows.Scaling.ConstantColumnCount;
}

/// <summary>How well the returned weights fit the training rows.</summary>
/// <param name="Loss">Mean loss over the rows, in the units of the reports.</param>
/// <param name="ConstantLoss">The same of the prediction ȳ for every row.</param>
/// <param name="RSquared">1 − Σ c·(y − ŷ)² / Σ c·(y − ȳ)²; null where the label is constant.</param>
/// <param name="ResidualStandardDeviation">√(Σ c·(y − ŷ)² / (n − p − 1)) in label units; null with fewer rows than that.</param>
/// <param name="StandardErrors">Of the raw weights by column; null where they do not apply.</param>
internal sealed record FitStatistics(
    double Loss, double ConstantLoss, double? RSquared, double? ResidualStandardDeviation, double[]? StandardErrors);

/// <summary>A loss that is not finite, or whose derivative is not, at a usual prediction.</summary>
/// <param name="Prediction">The prediction, in label units.</param>
/// <param name="Label">The label.</param>
/// <param name="Loss">The loss there.</param>
/// <param name="Derivative">Its derivative there.</param>
internal sealed record LossFailure(float Prediction, float Label, double Loss, float Derivative)
{
    /// <summary>Farther from its label a prediction is the failure itself, whatever the loss makes of it.</summary>
    private const double MostDeviations = 1000;

    /// <summary>Asks the loss about each row's prediction; null where nothing is wrong with it. Reads every row: for messages only.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="byColumn">Weights of all columns, then the bias, in the units of the rows.</param>
    /// <param name="cancellation">Ends the pass.</param>
    public static LossFailure? Find(LossSettings loss, TrainingRows rows, ReadOnlySpan<double> byColumn, CancellationToken cancellation)
    {
        Scaling scaling = rows.Scaling;
        double deviation = scaling.LabelStandardDeviation * Math.Sqrt(scaling.ScaledLabelVariance);
        double farthest = MostDeviations * (deviation > 0 ? deviation : 1);
        LossFailure? found = null;
        if (loss.IsSquared)
            return null;
        var asked = new StandardizedLoss(loss with { Value = Ask, Derivative = (_, _) => 0 }, scaling, rows.Training, cancellation);
        new MeanLoss(rows.Training, asked, cancellation).Of(byColumn);
        // All processes go on with the same one.
        double[]? first = rows.Training.InTurn(_ => found is null ? new double[5] : [1, found.Prediction, found.Label, found.Loss, found.Derivative])
            .ToList().Find(numbers => numbers[0] > 0);
        return first is null ? null : new LossFailure((float)first[1], (float)first[2], first[3], (float)first[4]);

        double Ask(float prediction, float label)
        {
            if (found is null && Math.Abs((double)prediction - label) <= farthest)
            {
                var here = new LossFailure(prediction, label, loss.Value(prediction, label), loss.Derivative(prediction, label));
                found = double.IsFinite(here.Loss) && float.IsFinite(here.Derivative) ? null : here;
            }
            return 0;
        }
    }
}

internal static class LargestFeature
{
    /// <summary>The value farthest from zero among all features, and its place among them. Reads every row: for messages only.</summary>
    public static (int Feature, float Value) Of(RowSet rows)
    {
        double[] largest = rows.InTurn(OfPart).ToList().MaxBy(found => Math.Abs(found[1]))!;
        return ((int)largest[0], (float)largest[1]);
    }

    private static double[] OfPart(PackedRows rows)
    {
        RowLayout layout = rows.Layout;
        if (layout.ColumnCount == 0)
            return [0, 0];
        var largest = new float[layout.DenseLength + layout.SparseCount];
        for (long row = 0; row < rows.RowCount; row++)
        {
            ReadOnlySpan<float> lanes = rows.DenseRows(row, 1);
            for (int lane = 0; lane < layout.DenseCount; lane++)
                largest[lane] = MathF.MaxMagnitude(largest[lane], lanes[lane]);
            if (layout.SparseCount == 0)
                continue;
            rows.SparseRow(row, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            for (int k = 0; k < places.Length; k++)
                largest[layout.DenseLength + places[k]] = MathF.MaxMagnitude(largest[layout.DenseLength + places[k]], values[k]);
        }
        int column = Enumerable.Range(0, layout.ColumnCount).MaxBy(column => MathF.Abs(largest[layout.Position(column)]));
        return [rows.Columns[column], largest[layout.Position(column)]];
    }
}
