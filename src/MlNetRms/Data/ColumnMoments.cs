using MlNetRms.Kernels;

namespace MlNetRms.Data;

/// <summary>
/// Means and variances of all columns in one pass, in double, with example weights. Blocks of rows are summed about the
/// mean so far and merged (Chan, Golub and LeVeque 1983): a plain sum of squares would lose a small spread around a large
/// mean. The non-zero values of sparse rows are gathered apart (West 1979), so that a row costs the values it holds.
/// </summary>
/// <param name="rowLength">Floats of a dense row: the columns, its weight, then zeros up to a whole number of vectors.</param>
/// <param name="columnCount">Number of columns, the label being the last; the weight of a dense row comes behind them.</param>
internal sealed class ColumnMoments(int rowLength, int columnCount)
{
    private readonly double[] _mean = new double[rowLength];
    private readonly double[] _squares = new double[rowLength];
    private readonly double[] _nonZero = new double[rowLength];
    private readonly float[] _least = Filled(rowLength, float.PositiveInfinity);
    private readonly float[] _largest = Filled(rowLength, float.NegativeInfinity);
    private double _denseWeight;
    private Moments[]? _sparse;
    private double _sparseWeight;

    public double TotalWeight => _denseWeight + _sparseWeight;

    /// <summary>Takes in dense rows.</summary>
    public void AddDense(ReadOnlySpan<float> rows)
    {
        double weight = 0;
        for (int row = 0; row < rows.Length; row += rowLength)
            weight += rows[row + columnCount];
        if (weight == 0)
            return;
        for (int i = 0; _denseWeight == 0 && i < columnCount; i++)
            _mean[i] = rows[i];
        MomentKernels.ExtendRanges(rows, _least, _largest);
        MomentKernels.Accumulate(rows, weightColumn: columnCount, weight, _denseWeight, _mean, _squares, _nonZero);
        _denseWeight += weight;
    }

    /// <summary>Takes in a sparse row; columns it does not list are 0.</summary>
    public void AddSparse(in Row row)
    {
        _sparse ??= new Moments[columnCount];
        _sparseWeight += row.Weight;
        for (int k = 0; k < row.Indices.Length; k++)
        {
            if (row.Values[k] != 0)
                _sparse[row.Indices[k]].Add(row.Values[k], row.Weight);
        }
        if (row.Label != 0)
            _sparse[columnCount - 1].Add(row.Label, row.Weight);
    }

    /// <summary>Takes in what <paramref name="other"/> has taken in: moments of two parts of the rows are those of all.</summary>
    public void Merge(ColumnMoments other)
    {
        for (int column = 0; column < columnCount; column++)
        {
            var dense = new Moments { Weight = _denseWeight, Mean = _mean[column], Squares = _squares[column] };
            dense.Merge(new Moments { Weight = other._denseWeight, Mean = other._mean[column], Squares = other._squares[column] });
            (_mean[column], _squares[column]) = (dense.Mean, dense.Squares);
            _nonZero[column] += other._nonZero[column];
            _least[column] = Math.Min(_least[column], other._least[column]);
            _largest[column] = Math.Max(_largest[column], other._largest[column]);
            if (other._sparse is not null)
                (_sparse ??= new Moments[columnCount])[column].Merge(other._sparse[column]);
        }
        _denseWeight += other._denseWeight;
        _sparseWeight += other._sparseWeight;
    }

    /// <summary>The farthest that a value is from a number; infinite where there were sparse rows, whose values are not looked at for this.</summary>
    public double FarthestFrom(double value, int column) =>
        _sparse is null ? Math.Max(_largest[column] - value, value - _least[column]) : double.PositiveInfinity;

    public ColumnSummary Summarize(int column)
    {
        var total = new Moments { Weight = _denseWeight, Mean = _mean[column], Squares = _squares[column] };
        double nonZeroWeight = _nonZero[column];
        if (_sparse is not null)
        {
            Moments present = _sparse[column];
            nonZeroWeight += present.Weight;
            total.Merge(present);
            // Summed in another order, the weights of the rows with a value can come out above those of all rows.
            total.Merge(new Moments { Weight = Math.Max(_sparseWeight - present.Weight, 0) });
        }
        return new ColumnSummary(total.Mean, total.Weight > 0 ? total.Squares / total.Weight : 0, nonZeroWeight);
    }

    private static float[] Filled(int length, float value)
    {
        var values = new float[length];
        Array.Fill(values, value);
        return values;
    }

    /// <summary>Weight, mean and sum of squared distances from the mean of some values.</summary>
    private struct Moments
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
}
