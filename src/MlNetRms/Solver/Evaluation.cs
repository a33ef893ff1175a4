using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>Computes <see cref="FitStatistics"/>, with one pass over the rows per mean.</summary>
internal sealed class Evaluation(
    TrainingRows rows, LossSettings settings, StandardizedLoss loss, Coordinates coordinates, bool isPenalized, CancellationToken cancellation)
{
    private readonly Whitening? _whitening = coordinates.Whitening?.Whitening as Whitening;

    /// <summary>From here on the inverse covariance of stored rows lacks digits that float has.</summary>
    private const double LeastConditionToRefine = 100;

    /// <param name="weights">The returned weights by column, the bias last, in the units of training.</param>
    /// <param name="score">Scores with the returned model.</param>
    public FitStatistics Evaluate(double[] weights, RowScore score)
    {
        Scaling scaling = rows.Scaling;
        var constant = new double[weights.Length];
        constant[^1] = scaling.ScaledLabelMean;
        var losses = new MeanLoss(rows.Training, loss, cancellation);
        var predictions = new RawPredictions(scaling, weights);
        var model = new ScoredModel(rows, settings, predictions, score);
        double unit = scaling.LabelStandardDeviation * scaling.LabelStandardDeviation;
        (RoundingCost rounding, double lossOfWeights) = model.IsOfAllRows ? model.Measure(meanSquare: 0, meanLoss: 0)
            : model.Measure(unit * MeanSquare(weights), loss.IsSquared ? 0 : loss.ReportFactor * losses.Compute(weights));
        double spread = unit * scaling.ScaledLabelVariance;
        double lossOfConstant = loss.IsSquared ? scaling.ScaledLabelVariance / 2 : losses.Compute(constant);

        long freedom = rows.Training.RowCount - 1 - (coordinates.IsOfAllColumns ? _whitening!.DirectionCount : VaryingColumns());
        return new FitStatistics(lossOfWeights + rounding.LossChange, loss.ReportFactor * lossOfConstant,
            spread > 0 ? 1 - rounding.ScoredMeanSquare / spread : null, Deviation(rounding.ScoredMeanSquare),
            Errors(Deviation(rounding.MeanSquare)), rounding,
            loss.IsSquared && _whitening?.ColumnCount == rows.Layout.DenseCount
                ? DroppedUse.Find(new DenseSample(rows), _whitening, predictions) : null);

        double? Deviation(double meanSquare) => freedom > 0 ? Math.Sqrt(meanSquare * rows.Training.RowCount / freedom) : null;
    }

    /// <summary>Mean loss of given weights on the training rows, in the units of the reports.</summary>
    public double LossOf(double[] weights) => loss.ReportFactor * new MeanLoss(rows.Training, loss, cancellation).Compute(weights);

    /// <summary>
    /// σ̂·√((C⁻¹)ⱼⱼ / n) with the covariance C of all rows: the standard errors of least squares, which the weights are close to. They apply only
    /// without penalties, and only if all columns are whitened. That of the bias is σ̂·√((1 + x̄ᵀ·C⁻¹·x̄) / n).
    /// </summary>
    private StandardErrors? Errors(double? deviation)
    {
        RowLayout layout = rows.Layout;
        Scaling scaling = rows.Scaling;
        bool isAlone = layout.ColumnCount == 1 && scaling.IsOn;
        if (deviation is not { } sigma || !(isAlone || coordinates.IsExactInverse) || !loss.IsSquared || isPenalized)
            return null;
        var means = new double[layout.ColumnCount];
        for (int column = 0; column < layout.ColumnCount; column++)
            means[layout.NumberInOrder(column)] = scaling.Mean(column) * scaling.Scale(column);
        (double?[] inverse, double? ofMeans) = isAlone ? ([InverseOfOne(1)], InverseOfOne(means[0])) : Inverse(_whitening!, means);
        double?[] errors = [.. Enumerable.Range(0, layout.ColumnCount)
            .Select(column => ErrorOf(inverse[layout.NumberInOrder(column)]) * scaling.Scale(column))];
        return new(errors, ErrorOf(1 + ofMeans));

        double? ErrorOf(double? variance) => variance is { } value ? sigma * Math.Sqrt(value / rows.Training.RowCount) : null;

        // A column that does not vary has the weight 0, and the bias is the mean of the label.
        double? InverseOfOne(double value)
        {
            double variance = Math.Pow(scaling.StandardDeviations[0] * scaling.Scale(0), 2);
            return variance > 0 ? value * value / variance : value == 0 ? 0 : null;
        }
    }

    /// <summary>
    /// Diagonal of the inverse of the covariance, and its form vᵀ·C⁻¹·v. If all rows have been kept as read, those of these: with the first inverse T
    /// it is 2·T − T·C·T, up to the square of the error.
    /// </summary>
    private (double?[] Diagonal, double? Form) Inverse(Whitening whitening, double[] vector)
    {
        double?[] inverse = whitening.InverseDiagonal();
        double? form = whitening.InverseForm(vector);
        var sample = new DenseSample(rows);
        if (whitening.ConditionNumber < LeastConditionToRefine || !sample.IsComplete)
            return (inverse, form);
        double[] squares = sample.MeanSquares(
            [.. Enumerable.Range(0, inverse.Length).Select(lane => whitening.Inverse(Unit(lane))), whitening.Inverse(vector)]);
        return ([.. inverse.Zip(squares, (value, square) => 2 * value - square)], 2 * form - squares[^1]);

        double[] Unit(int lane)
        {
            var unit = new double[inverse.Length];
            unit[lane] = 1;
            return unit;
        }
    }

    /// <summary>Mean squared residual of given weights, in the units of training.</summary>
    private double MeanSquare(double[] weights)
    {
        StandardizedLoss squared = loss.IsSquared ? loss
            : new StandardizedLoss(LossSettings.HalfSquared, rows.Scaling, rows.Training, cancellation);
        return 2 * new MeanLoss(rows.Training, squared, cancellation).Compute(weights);
    }

    private int VaryingColumns() => rows.Scaling.Columns.FeatureCount - rows.Scaling.ConstantColumnCount;
}

/// <summary>How well the returned model fits the training rows, by its scores.</summary>
/// <param name="Loss">Mean loss over the rows, in the units of the reports.</param>
/// <param name="ConstantLoss">The same for the prediction ȳ in every row.</param>
/// <param name="RSquared">1 − Σ c·(y − ŷ)² / Σ c·(y − ȳ)²; null if the label is constant.</param>
/// <param name="ResidualStandardDeviation">√(Σ c·(y − ŷ)² / (n − p − 1)) in label units; null if n − p − 1 is not above 0.</param>
/// <param name="StandardErrors">Null if they do not apply.</param>
/// <param name="Rounding">What of this is due to rounding.</param>
/// <param name="Dropped">What the directions dropped would explain; null if nothing.</param>
internal sealed record FitStatistics(double Loss, double ConstantLoss, double? RSquared, double? ResidualStandardDeviation,
    StandardErrors? StandardErrors, RoundingCost Rounding, DroppedUse? Dropped);

/// <summary>Standard errors by the formula of least squares.</summary>
/// <param name="Weights">Those of the raw weights by column; null for constant columns, and where only a sum of weights is known.</param>
/// <param name="Bias">That of the bias; null if the bias is not known apart from weights.</param>
internal sealed record StandardErrors(double?[] Weights, double? Bias);

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
