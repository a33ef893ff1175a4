using System.Numerics;
using System.Runtime.InteropServices;

namespace MlNetRms.Examples;

/// <summary>Weighted mean and variance of one column, and how much of the rows' weight is not zero in it.</summary>
/// <param name="Mean">Mean over all rows, zeros included.</param>
/// <param name="Variance">Variance over all rows (divided by the sum of the weights).</param>
/// <param name="NonZeroWeight">Sum of the weights of the rows with another value than 0.</param>
internal readonly record struct ColumnSummary(double Mean, double Variance, double NonZeroWeight);

/// <summary>
/// Means and variances of all columns in one pass, in double, by Welford's recurrence with example weights
/// (West 1979): a sum of squares would lose a small spread around a large mean. Dense rows and the non-zero values of
/// sparse rows are gathered apart and merged at the end (Chan, Golub and LeVeque 1983), so a row costs the values it holds.
/// </summary>
internal sealed class ColumnMoments(int columnCount)
{
    private readonly double[] _mean = new double[columnCount];
    private readonly double[] _squares = new double[columnCount];
    private readonly double[] _nonZero = new double[columnCount];
    private double _denseWeight;
    private Moments[]? _sparse;
    private double _sparseWeight;

    public double TotalWeight => _denseWeight + _sparseWeight;

    public void AddDense(ReadOnlySpan<float> values, double weight)
    {
        _denseWeight += weight;
        var share = new Vector<double>(weight / _denseWeight);
        var weights = new Vector<double>(weight);
        Span<Vector<double>> mean = MemoryMarshal.Cast<double, Vector<double>>(_mean.AsSpan());
        Span<Vector<double>> squares = MemoryMarshal.Cast<double, Vector<double>>(_squares.AsSpan());
        Span<Vector<double>> nonZero = MemoryMarshal.Cast<double, Vector<double>>(_nonZero.AsSpan());
        ReadOnlySpan<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (int block = 0; block < wide.Length; block++)
        {
            Vector.Widen(wide[block], out Vector<double> low, out Vector<double> high);
            Add(low, 2 * block, mean, squares, nonZero);
            Add(high, 2 * block + 1, mean, squares, nonZero);
        }
        for (int i = wide.Length * Vector<float>.Count; i < values.Length; i++)
        {
            double delta = values[i] - _mean[i];
            _mean[i] += delta * share[0];
            _squares[i] += weight * delta * (values[i] - _mean[i]);
            _nonZero[i] += values[i] != 0 ? weight : 0;
        }

        void Add(Vector<double> x, int at, Span<Vector<double>> mean, Span<Vector<double>> squares, Span<Vector<double>> nonZero)
        {
            Vector<double> delta = x - mean[at];
            mean[at] += delta * share;
            squares[at] += weights * delta * (x - mean[at]);
            nonZero[at] += Vector.ConditionalSelect(Vector.Equals(x, Vector<double>.Zero), Vector<double>.Zero, weights);
        }
    }

    public void AddSparse(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, double weight)
    {
        _sparse ??= new Moments[_mean.Length];
        _sparseWeight += weight;
        for (int k = 0; k < indices.Length; k++)
        {
            if (values[k] != 0)
                _sparse[indices[k]].Add(values[k], weight);
        }
    }

    public ColumnSummary Summarize(int column)
    {
        var total = new Moments { Weight = _denseWeight, Mean = _mean[column], Squares = _squares[column] };
        double nonZeroWeight = _nonZero[column];
        if (_sparse is not null)
        {
            Moments present = _sparse[column];
            nonZeroWeight += present.Weight;
            total.Merge(present);
            // Many additions of one weight can end a rounding error above their sum.
            total.Merge(new Moments { Weight = Math.Max(_sparseWeight - present.Weight, 0) });
        }
        return new ColumnSummary(total.Mean, total.Weight > 0 ? Math.Max(total.Squares / total.Weight, 0) : 0, nonZeroWeight);
    }
}

/// <summary>Weight, mean and sum of squared distances from the mean of some values.</summary>
internal struct Moments
{
    public double Weight;
    public double Mean;
    public double Squares;

    public void Add(double value, double weight)
    {
        Weight += weight;
        double delta = value - Mean;
        Mean += delta * (weight / Weight);
        Squares += weight * delta * (value - Mean);
    }

    public void Merge(Moments other)
    {
        if (other.Weight == 0)
            return;
        double weight = Weight + other.Weight;
        double delta = other.Mean - Mean;
        Squares += other.Squares + delta * delta * (Weight / weight * other.Weight);
        Mean += delta * (other.Weight / weight);
        Weight = weight;
    }
}
