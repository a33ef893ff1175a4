using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Oracles;

/// <summary>
/// Minimises the weighted mean of ½·(Xw − y)² + λ₁·Σ|w| + ½·λ₂·‖w‖², optionally with w ≥ 0, by exact coordinate steps in double until no weight
/// changes. On standardised columns and label; all columns dense.
/// </summary>
internal sealed class CoordinateDescent
{
    private readonly double[][] _columns;
    private readonly double[] _labels;
    private readonly double[] _rowWeights;
    private readonly double[] _deviations;
    private readonly double _labelDeviation;
    private readonly double _l1;
    private readonly double _l2;

    public CoordinateDescent(Examples rows, double l1, double l2, bool nonNegative)
    {
        (_l1, _l2) = (l1, l2);
        double[] weights = Enumerable.Range(0, rows.Count).Select(row => (double)rows.Weight(row)).ToArray();
        _rowWeights = weights.Select(weight => weight / weights.Sum()).ToArray();
        (_labels, _labelDeviation) = Standardized(rows.Labels);
        (_columns, _deviations) = (new double[rows.Width][], new double[rows.Width]);
        for (int i = 0; i < rows.Width; i++)
            (_columns[i], _deviations[i]) = Standardized(rows.Features.Select(row => row[i]));

        Weights = new double[rows.Width];
        double[] residuals = _labels.Select(y => -y).ToArray();
        double moved;
        do
        {
            moved = 0;
            for (int i = 0; i < rows.Width; i++)
            {
                double gradient = 0, curvature = 0;
                for (int row = 0; row < residuals.Length; row++)
                {
                    gradient += _rowWeights[row] * residuals[row] * _columns[i][row];
                    curvature += _rowWeights[row] * _columns[i][row] * _columns[i][row];
                }
                double pull = curvature * Weights[i] - gradient;
                double size = Math.Max(Math.Abs(pull) - l1, 0) / (curvature + l2);
                double next = nonNegative && pull < 0 ? 0 : Math.CopySign(size, pull);
                for (int row = 0; row < residuals.Length; row++)
                    residuals[row] += (next - Weights[i]) * _columns[i][row];
                moved = Math.Max(moved, Math.Abs(next - Weights[i]));
                Weights[i] = next;
            }
        } while (moved > 1e-12);

        (double[], double) Standardized(IEnumerable<float> values)
        {
            double[] x = values.Select(value => (double)value).ToArray();
            (double mean, double deviation) = LeastSquares.Moments(x, weights);
            return (x.Select(value => (value - mean) / deviation).ToArray(), deviation);
        }
    }

    /// <summary>The minimiser, per standard deviation.</summary>
    public double[] Weights { get; }

    /// <summary>The minimum.</summary>
    public double Objective() => Objective(Weights);

    /// <summary>The value at weights in raw units, with the best bias for them.</summary>
    public double Objective(IReadOnlyList<float> rawWeights) =>
        Objective(rawWeights.Select((w, i) => w * _deviations[i] / _labelDeviation).ToArray());

    private double Objective(double[] weights)
    {
        double loss = 0;
        for (int row = 0; row < _labels.Length; row++)
        {
            double residual = -_labels[row];
            for (int i = 0; i < weights.Length; i++)
                residual += weights[i] * _columns[i][row];
            loss += 0.5 * _rowWeights[row] * residual * residual;
        }
        return loss + _l1 * weights.Sum(Math.Abs) + 0.5 * _l2 * weights.Sum(w => w * w);
    }
}
