using MlNetRms.Data;
using MlNetRms.Model;
using MlNetRms.Objective;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>Computes <see cref="FitStatistics"/>: one pass over the rows for each mean.</summary>
internal sealed class FitEvaluation(TrainingRows rows, StandardizedLoss loss, Decorrelation? decorrelation, bool isPenalized, CancellationToken cancellation)
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
