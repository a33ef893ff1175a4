using System.Runtime.CompilerServices;
using MlNetRms.Kernels;

namespace MlNetRms.Rows;

/// <summary>
/// Means and variances of all columns in one pass, in double, with example weights. Blocks of rows are summed about the
/// mean so far and merged (Chan, Golub and LeVeque 1983), because a plain sum of squares would lose a small spread around a large
/// mean. The non-zero values of sparse rows are accumulated separately (West 1979), so a row costs no more than its values, and a column
/// without values takes only an index.
/// </summary>
/// <param name="rowLength">Floats of a dense row: the columns, its weight, then zeros up to a whole number of vectors.</param>
/// <param name="columnCount">Number of columns; the label is the last. In a dense row the weight follows them.</param>
internal sealed class ColumnMoments(int rowLength, int columnCount)
{
    private const int NumbersPerColumn = 8;

    private DenseSums? _dense;
    private double _denseWeight;

    /// <summary>For each column the index of its moments in <see cref="_sparse"/>, from 1; 0 if no sparse row has a value.</summary>
    private int[]? _numbers;
    private Moments[] _sparse = [];
    private int _sparseCount;
    private double _sparseWeight;

    public double TotalWeight => _denseWeight + _sparseWeight;

    /// <summary>Adds dense rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddDense(ReadOnlySpan<float> rows)
    {
        double weight = 0;
        bool isWeighted = false;
        for (int row = 0; row < rows.Length; row += rowLength)
        {
            weight += rows[row + columnCount];
            isWeighted |= rows[row + columnCount] != 1;
        }
        if (weight == 0)
            return;
        _dense ??= new DenseSums(rowLength, firstMeans: rows[..columnCount]);
        MomentKernels.ExtendRanges(rows, _dense.Least, _dense.Largest);
        MomentKernels.Accumulate(rows, isWeighted ? columnCount : null, weight, _denseWeight, _dense.Mean, _dense.Squares, _dense.NonZero);
        _denseWeight += weight;
    }

    /// <summary>Adds a sparse row; columns it does not list are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddSparse(in Row row)
    {
        _sparseWeight += row.Weight;
        for (int k = 0; k < row.Indices.Length; k++)
        {
            if (row.Values[k] != 0)
                Sparse(row.Indices[k]).Add(row.Values[k], row.Weight);
        }
        if (row.Label != 0)
            Sparse(columnCount - 1).Add(row.Label, row.Weight);
    }

    /// <summary>Adds the rows that <paramref name="other"/> has accumulated.</summary>
    public void Merge(ColumnMoments other)
    {
        if (other._dense is not null)
            (_dense ??= new DenseSums(rowLength, firstMeans: [])).Merge(_denseWeight, other._dense, other._denseWeight);
        for (int column = 0; other._numbers is not null && column < columnCount; column++)
        {
            if (other._numbers[column] > 0)
                Sparse(column).Merge(other.OfSparse(column));
        }
        _denseWeight += other._denseWeight;
        _sparseWeight += other._sparseWeight;
    }

    /// <summary>How many numbers <see cref="ToNumbers"/> returns.</summary>
    public static int CountOfNumbers(int columnCount) => checked(2 + NumbersPerColumn * columnCount);

    /// <summary>The state as numbers; their count depends only on the number of columns.</summary>
    public double[] ToNumbers()
    {
        var numbers = new double[CountOfNumbers(columnCount)];
        (numbers[0], numbers[1]) = (_denseWeight, _sparseWeight);
        for (int column = 0; column < columnCount; column++)
        {
            Span<double> ofColumn = numbers.AsSpan(2 + NumbersPerColumn * column, NumbersPerColumn);
            Moments sparse = OfSparse(column);
            (ofColumn[0], ofColumn[1], ofColumn[2]) = (sparse.Weight, sparse.Mean, sparse.Squares);
            if (_dense is { } dense)
            {
                (ofColumn[3], ofColumn[4], ofColumn[5]) = (dense.Mean[column], dense.Squares[column], dense.NonZero[column]);
                (ofColumn[6], ofColumn[7]) = (dense.Least[column], dense.Largest[column]);
            }
        }
        return numbers;
    }

    /// <summary>Inverse of <see cref="ToNumbers"/>.</summary>
    public static ColumnMoments FromNumbers(double[] numbers, int rowLength, int columnCount)
    {
        var moments = new ColumnMoments(rowLength, columnCount) { _denseWeight = numbers[0], _sparseWeight = numbers[1] };
        if (moments._denseWeight > 0)
            moments._dense = new DenseSums(rowLength, firstMeans: []);
        for (int column = 0; column < columnCount; column++)
        {
            ReadOnlySpan<double> ofColumn = numbers.AsSpan(2 + NumbersPerColumn * column, NumbersPerColumn);
            if (ofColumn[0] > 0)
                moments.Sparse(column) = new Moments { Weight = ofColumn[0], Mean = ofColumn[1], Squares = ofColumn[2] };
            if (moments._dense is { } dense)
            {
                (dense.Mean[column], dense.Squares[column], dense.NonZero[column]) = (ofColumn[3], ofColumn[4], ofColumn[5]);
                (dense.Least[column], dense.Largest[column]) = ((float)ofColumn[6], (float)ofColumn[7]);
            }
        }
        return moments;
    }

    /// <summary>The features that are not 0 in every row.</summary>
    public ActiveFeatures Occurring()
    {
        int featureCount = columnCount - 1;
        var features = new List<int>(_dense is null ? _sparseCount : featureCount);
        for (int column = 0; column < featureCount; column++)
        {
            if (_numbers?[column] > 0 || _dense?.NonZero[column] > 0)
                features.Add(column);
        }
        return ActiveFeatures.From(featureCount, [.. features]);
    }

    /// <summary>The largest distance of a column's values from a number; infinite if there were sparse rows, whose ranges are not tracked.</summary>
    public double FarthestFrom(double value, int column) =>
        _dense is not null && _sparseWeight == 0 ? Math.Max(_dense.Largest[column] - value, value - _dense.Least[column]) : double.PositiveInfinity;

    public ColumnSummary Summarize(int column)
    {
        Moments total = _dense?.Column(column, _denseWeight) ?? default;
        Moments present = OfSparse(column);
        double nonZeroWeight = (_dense?.NonZero[column] ?? 0) + present.Weight;
        total.Merge(present);
        // The two weights are summed in different orders, so the rows with a value can seem to weigh more than all rows.
        total.Merge(new Moments { Weight = Math.Max(_sparseWeight - present.Weight, 0) });
        return new ColumnSummary(total.Mean, total.Weight > 0 ? total.Squares / total.Weight : 0, nonZeroWeight);
    }

    private Moments OfSparse(int column) => _numbers?[column] is > 0 and int number ? _sparse[number - 1] : default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Moments Sparse(int column)
    {
        int number = _numbers?[column] ?? 0;
        if (number == 0)
            number = AddSparseColumn(column);
        return ref _sparse[number - 1];
    }

    private int AddSparseColumn(int column)
    {
        _numbers ??= new int[columnCount];
        if (_sparseCount == _sparse.Length)
            Array.Resize(ref _sparse, Math.Max(1024, Math.Min(2 * _sparse.Length, columnCount)));
        return _numbers[column] = ++_sparseCount;
    }

    /// <summary>Sums over dense rows, by column.</summary>
    private sealed class DenseSums
    {
        public DenseSums(int rowLength, ReadOnlySpan<float> firstMeans)
        {
            Mean = new double[rowLength];
            Squares = new double[rowLength];
            NonZero = new double[rowLength];
            Least = new float[rowLength];
            Largest = new float[rowLength];
            Array.Fill(Least, float.PositiveInfinity);
            Array.Fill(Largest, float.NegativeInfinity);
            for (int i = 0; i < firstMeans.Length; i++)
                Mean[i] = firstMeans[i];
        }

        public double[] Mean { get; }

        public double[] Squares { get; }

        /// <summary>Weight of the values that are not 0.</summary>
        public double[] NonZero { get; }

        public float[] Least { get; }

        public float[] Largest { get; }

        public Moments Column(int column, double weight) => new() { Weight = weight, Mean = Mean[column], Squares = Squares[column] };

        public void Merge(double weight, DenseSums other, double otherWeight)
        {
            for (int column = 0; column < Mean.Length; column++)
            {
                Moments both = Column(column, weight);
                both.Merge(other.Column(column, otherWeight));
                (Mean[column], Squares[column]) = (both.Mean, both.Squares);
                NonZero[column] += other.NonZero[column];
                Least[column] = Math.Min(Least[column], other.Least[column]);
                Largest[column] = Math.Max(Largest[column], other.Largest[column]);
            }
        }
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

/// <summary>Weighted mean and variance of one column, and the weight of the rows in which it is not 0.</summary>
/// <param name="Mean">Mean over all rows, zeros included.</param>
/// <param name="Variance">Variance over all rows (divided by the sum of the weights).</param>
/// <param name="NonZeroWeight">Sum of the weights of the rows with another value than 0.</param>
internal readonly record struct ColumnSummary(double Mean, double Variance, double NonZeroWeight)
{
    /// <summary>Whether float cannot tell the values apart: moments are summed about one of the values, so equal values give exactly 0.</summary>
    public bool IsConstant => Variance == 0;

    public double MeanSquare => Variance + Mean * Mean;

    /// <summary>Root mean square of the non-zero values.</summary>
    /// <param name="totalWeight">Sum of the weights of all rows.</param>
    public double SizeOfNonZeros(double totalWeight) => Math.Sqrt(MeanSquare * (totalWeight / NonZeroWeight));
}
