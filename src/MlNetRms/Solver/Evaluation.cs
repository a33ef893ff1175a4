using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>Computes <see cref="FitStatistics"/>, with one pass over the rows per mean.</summary>
internal sealed class Evaluation(
    TrainingRows rows, StandardizedLoss loss, Whitening? whitening, bool isPenalized, CancellationToken cancellation)
{
    /// <param name="weights">The returned weights by column, the bias last, in the units of training.</param>
    public FitStatistics Evaluate(double[] weights)
    {
        Scaling scaling = rows.Scaling;
        var constant = new double[weights.Length];
        constant[^1] = scaling.ScaledLabelMean;
        var losses = new MeanLoss(rows.Training, loss, cancellation);
        StandardizedLoss squared = loss.IsSquared ? loss : new StandardizedLoss(LossSettings.HalfSquared, scaling, rows.Training, cancellation);
        var squares = new MeanLoss(rows.Training, squared, cancellation);
        double residual = 2 * squares.Compute(weights);
        double spread = scaling.ScaledLabelVariance;
        double lossOfWeights = loss.IsSquared ? residual / 2 : losses.Compute(weights);
        double lossOfConstant = loss.IsSquared ? spread / 2 : losses.Compute(constant);

        long freedom = rows.Training.RowCount - 1 - (whitening?.DirectionCount + rows.Layout.SparseCount ?? VaryingColumns());
        double? deviation = freedom > 0
            ? Math.Sqrt(residual * rows.Training.RowCount / freedom) * scaling.LabelStandardDeviation : null;
        return new FitStatistics(loss.ReportFactor * lossOfWeights, loss.ReportFactor * lossOfConstant,
            spread > 0 ? 1 - residual / spread : null, deviation, StandardErrors(deviation));
    }

    /// <summary>Mean loss of given weights on the training rows, in the units of the reports.</summary>
    public double LossOf(double[] weights) => loss.ReportFactor * new MeanLoss(rows.Training, loss, cancellation).Compute(weights);

    /// <summary>
    /// σ̂·√((C⁻¹)ⱼⱼ / n) with the covariance C of all rows: the standard errors of least squares, which the weights are close to. They apply only
    /// without penalties, and only if all columns are dense.
    /// </summary>
    private double[]? StandardErrors(double? deviation)
    {
        if (deviation is not { } sigma || whitening is not { IsOfAllRows: true } || !loss.IsSquared || isPenalized || rows.Layout.SparseCount > 0)
            return null;
        double[] inverse = whitening.InverseDiagonal();
        var errors = new double[rows.Layout.ColumnCount];
        for (int column = 0; column < errors.Length; column++)
            errors[column] = sigma * Math.Sqrt(inverse[rows.Layout.Position(column)] / rows.Training.RowCount) * rows.Scaling.Scale(column);
        return errors;
    }

    private int VaryingColumns() => rows.Scaling.Columns.FeatureCount - rows.Scaling.ConstantColumnCount;
}

/// <summary>How well the returned weights fit the training rows.</summary>
/// <param name="Loss">Mean loss over the rows, in the units of the reports.</param>
/// <param name="ConstantLoss">The same for the prediction ȳ in every row.</param>
/// <param name="RSquared">1 − Σ c·(y − ŷ)² / Σ c·(y − ȳ)²; null if the label is constant.</param>
/// <param name="ResidualStandardDeviation">√(Σ c·(y − ŷ)² / (n − p − 1)) in label units; null if n − p − 1 is not above 0.</param>
/// <param name="StandardErrors">Standard errors of the raw weights by column; null if they do not apply.</param>
internal sealed record FitStatistics(
    double Loss, double ConstantLoss, double? RSquared, double? ResidualStandardDeviation, double[]? StandardErrors);

/// <summary>A loss that is not finite, or has a derivative that is not finite, at a plausible prediction.</summary>
/// <param name="Prediction">The prediction, in label units.</param>
/// <param name="Label">The label.</param>
/// <param name="Loss">The loss there.</param>
/// <param name="Derivative">Its derivative there.</param>
internal sealed record LossFailure(float Prediction, float Label, double Loss, float Derivative)
{
    /// <summary>A prediction farther than this from its label is itself the failure, whatever its loss.</summary>
    private const double MostDeviations = 1000;

    /// <summary>Evaluates the loss at each row's prediction; null if all are finite. Reads every row, so use it for messages only.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="byColumn">Weights of all columns, then the bias, in the units of the rows.</param>
    /// <param name="cancellation">Cancels the pass.</param>
    public static LossFailure? Find(LossSettings loss, TrainingRows rows, ReadOnlySpan<double> byColumn, CancellationToken cancellation)
    {
        Scaling scaling = rows.Scaling;
        double deviation = scaling.LabelStandardDeviation * Math.Sqrt(scaling.ScaledLabelVariance);
        double farthest = MostDeviations * (deviation > 0 ? deviation : 1);
        LossFailure? found = null;
        if (loss.IsSquared)
            return null;
        var asked = new StandardizedLoss(loss with { Value = Ask, Derivative = (_, _) => 0 }, scaling, rows.Training, cancellation);
        new MeanLoss(rows.Training, asked, cancellation).Compute(byColumn);
        // All processes must report the same one.
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
    /// <summary>The feature value farthest from 0, and its feature. Reads every row, so use it for messages only.</summary>
    public static (int Feature, float Value) Find(RowSet rows)
    {
        double[] largest = rows.InTurn(FindInShard).ToList().MaxBy(found => Math.Abs(found[1]))!;
        return ((int)largest[0], (float)largest[1]);
    }

    private static double[] FindInShard(PackedRows rows)
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
            rows.SparseRow(row, out ReadOnlySpan<int> positions, out ReadOnlySpan<float> values);
            for (int k = 0; k < positions.Length; k++)
                largest[layout.DenseLength + positions[k]] = MathF.MaxMagnitude(largest[layout.DenseLength + positions[k]], values[k]);
        }
        int column = Enumerable.Range(0, layout.ColumnCount).MaxBy(column => MathF.Abs(largest[layout.Position(column)]));
        return [rows.Columns[column], largest[layout.Position(column)]];
    }
}
