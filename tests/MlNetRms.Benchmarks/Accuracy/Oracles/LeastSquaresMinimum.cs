using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy.Oracles;

/// <summary>
/// The smallest (weighted) RMSE of any linear model, in double on the float rows: for dense or sparse rows, up to about a thousand columns and a
/// million rows, dependent columns, and condition numbers up to about 1e7 of the standardised columns.
/// </summary>
/// <remarks>
/// Conjugate gradients over the rows (Hestenes and Stiefel 1952, in the form known as CGLS), preconditioned by the Cholesky factor of the columns'
/// covariance about the mean. A little is added to its diagonal, because the covariance of dependent columns is singular; what that and rounding
/// miss, the steps over the rows mend. Each round begins with residuals from the labels.
/// </remarks>
internal sealed class LeastSquaresMinimum
{
    /// <summary>How far the mean squared error may be above its minimum, as a share of it.</summary>
    private const double Tolerance = 1e-9;

    /// <summary>For labels that a linear model fits exactly: the share of the labels' variance that rounding leaves.</summary>
    private const double Rounding = 1e-24;

    private const int MostRounds = 10;
    private const int MostStepsPerRound = 200;

    private readonly StandardizedRows _rows;
    private readonly double[] _labels;
    private readonly Cholesky<double> _covariance;
    private readonly double[] _weights;
    private readonly double[] _residuals;

    private LeastSquaresMinimum(ExampleSet examples)
    {
        _rows = new StandardizedRows(examples);
        double mean = examples.MeanLabel;
        _labels = [.. Enumerable.Range(0, examples.Count).Select(row => examples.Labels[row] - mean)];
        _covariance = Factor(_rows.Covariance());
        _weights = new double[_rows.ColumnCount];
        _residuals = [.. _labels];
    }

    /// <summary>The smallest RMSE.</summary>
    /// <exception cref="OracleException">It was not found.</exception>
    public static double RmseOf(ExampleSet examples)
    {
        var minimum = new LeastSquaresMinimum(examples);
        double variance = minimum._rows.Mean(minimum._labels, minimum._labels);
        double excess = double.PositiveInfinity;
        for (int round = 0; round < MostRounds && excess > 1; round++)
        {
            minimum.Descend(variance);
            excess = minimum.Excess(minimum.Gradient(), variance);
        }
        OracleException.ThrowUnlessSmall("conjugate gradients with a Cholesky factor", excess * Tolerance, Tolerance);
        return Math.Sqrt(minimum._rows.Mean(minimum._residuals, minimum._residuals));
    }

    /// <summary>How far the mean squared error is above its minimum, in units of what is tolerated.</summary>
    private double Excess(double[] gradient, double variance) =>
        TensorPrimitives.Dot(gradient, Solve(gradient)) / (Tolerance * _rows.Mean(_residuals, _residuals) + Rounding * variance);

    /// <summary>Computes the residuals again. The negative gradient of half the mean squared error.</summary>
    private double[] Gradient()
    {
        double[] predictions = _rows.Times(_weights);
        TensorPrimitives.Subtract(_labels, predictions, _residuals);
        return _rows.TransposedTimes(_residuals);
    }

    private void Descend(double variance)
    {
        double[] gradient = Gradient();
        double[] direction = Solve(gradient);
        double size = TensorPrimitives.Dot(gradient, direction);
        for (int step = 0; step < MostStepsPerRound && Excess(gradient, variance) > 0.1; step++)
        {
            double[] image = _rows.Times(direction);
            double length = size / _rows.Mean(image, image);
            TensorPrimitives.MultiplyAdd(direction, length, _weights, _weights);
            TensorPrimitives.MultiplyAdd(image, -length, _residuals, _residuals);
            gradient = _rows.TransposedTimes(_residuals);
            double[] next = Solve(gradient);
            double nextSize = TensorPrimitives.Dot(gradient, next);
            TensorPrimitives.MultiplyAdd(direction, nextSize / size, next, direction);
            size = nextSize;
        }
    }

    private double[] Solve(double[] gradient) => [.. _covariance.Solve(Vector<double>.Build.Dense(gradient))];

    /// <summary>The factor of the matrix with about as much on its diagonal as rounding takes from its smallest eigenvalue.</summary>
    private static Cholesky<double> Factor(Matrix<double> covariance)
    {
        const double UnitRoundoff = 1.0 / (1L << 53);
        const double Growth = 10;
        for (double added = 4 * UnitRoundoff * covariance.RowCount; ; added *= Growth)
        {
            try
            {
                return (covariance + Matrix<double>.Build.DenseDiagonal(covariance.RowCount, added)).Cholesky();
            }
            catch (ArgumentException) when (added < 1)
            {
                // Rounding took more than that.
            }
        }
    }

    /// <summary>
    /// The columns that vary, with weighted variance 1, and a column of ones. Columns with few zeros are stored centred, the others as they are, and
    /// their means are subtracted from what is computed.
    /// </summary>
    private sealed class StandardizedRows
    {
        private const double SparseShare = 0.1;

        private readonly double[] _shares;
        private readonly int _denseCount;
        private readonly double[] _dense;

        /// <summary>Per row, where its sparse values begin.</summary>
        private readonly int[] _starts;
        private readonly double[] _values;
        private readonly int[] _places;

        /// <summary>The means of the sparse columns in their units.</summary>
        private readonly double[] _means;

        public StandardizedRows(ExampleSet examples)
        {
            double total = examples.TotalWeight;
            _shares = [.. Enumerable.Range(0, examples.Count).Select(row => examples.Weight(row) / total)];
            Column[] columns = Columns(examples, _shares);
            int[] varying = [.. Enumerable.Range(0, columns.Length).Where(i => columns[i].Varies)];
            int[] dense = [.. varying.Where(i => columns[i].NonZeros >= SparseShare * examples.Count)];
            int[] sparse = [.. varying.Except(dense)];
            int[] places = new int[columns.Length];
            Array.Fill(places, -1);
            for (int k = 0; k < dense.Length; k++)
                places[dense[k]] = k;
            // After the dense columns comes the column of ones.
            _denseCount = dense.Length + 1;
            for (int k = 0; k < sparse.Length; k++)
                places[sparse[k]] = _denseCount + k;
            ColumnCount = _denseCount + sparse.Length;
            _means = [.. sparse.Select(i => columns[i].Mean / columns[i].Deviation)];

            double[] zeros = [.. dense.Select(i => -columns[i].Mean / columns[i].Deviation), 1];
            _dense = new double[(long)_denseCount * examples.Count];
            _starts = new int[examples.Count + 1];
            var values = new List<double>();
            var found = new List<int>();
            for (int row = 0; row < examples.Count; row++)
            {
                Span<double> denseRow = _dense.AsSpan(row * _denseCount, _denseCount);
                zeros.CopyTo(denseRow);
                foreach ((int i, float value) in examples.Features(row).Items())
                {
                    if (places[i] < 0 || value == 0)
                        continue;
                    if (places[i] < _denseCount)
                        denseRow[places[i]] = (value - columns[i].Mean) / columns[i].Deviation;
                    else
                    {
                        values.Add(value / columns[i].Deviation);
                        found.Add(places[i]);
                    }
                }
                _starts[row + 1] = values.Count;
            }
            _values = [.. values];
            _places = [.. found];
        }

        public int ColumnCount { get; }

        /// <summary>The weighted mean of a product.</summary>
        public double Mean(double[] a, double[] b)
        {
            double sum = 0;
            for (int row = 0; row < _shares.Length; row++)
                sum += _shares[row] * a[row] * b[row];
            return sum;
        }

        public double[] Times(double[] weights)
        {
            double offset = TensorPrimitives.Dot(_means, weights.AsSpan(_denseCount));
            double[] sums = new double[_shares.Length];
            for (int row = 0; row < sums.Length; row++)
            {
                double sum = TensorPrimitives.Dot(Dense(row), weights.AsSpan(0, _denseCount)) - offset;
                for (int k = _starts[row]; k < _starts[row + 1]; k++)
                    sum += _values[k] * weights[_places[k]];
                sums[row] = sum;
            }
            return sums;
        }

        /// <summary>The weighted mean of each column's product with a vector.</summary>
        public double[] TransposedTimes(double[] vector)
        {
            double[] sums = new double[ColumnCount];
            for (int row = 0; row < _shares.Length; row++)
            {
                double factor = _shares[row] * vector[row];
                TensorPrimitives.MultiplyAdd(Dense(row), factor, sums.AsSpan(0, _denseCount), sums.AsSpan(0, _denseCount));
                for (int k = _starts[row]; k < _starts[row + 1]; k++)
                    sums[_places[k]] += factor * _values[k];
            }
            double ones = sums[_denseCount - 1];
            for (int k = 0; k < _means.Length; k++)
                sums[_denseCount + k] -= ones * _means[k];
            return sums;
        }

        public Matrix<double> Covariance()
        {
            // Row i has the products with the columns up to i; with a sparse column, those of the dense ones and of sparse ones with a smaller or
            // equal number.
            double[] sums = new double[(long)ColumnCount * ColumnCount];
            for (int row = 0; row < _shares.Length; row++)
            {
                ReadOnlySpan<double> dense = Dense(row);
                for (int i = 0; i < dense.Length; i++)
                    AddTo(sums, i, dense[..(i + 1)], _shares[row] * dense[i]);
                for (int k = _starts[row]; k < _starts[row + 1]; k++)
                {
                    double factor = _shares[row] * _values[k];
                    AddTo(sums, _places[k], dense, factor);
                    for (int other = _starts[row]; other <= k; other++)
                        sums[_places[k] * ColumnCount + _places[other]] += factor * _values[other];
                }
            }
            return Matrix<double>.Build.Dense(ColumnCount, ColumnCount, (i, j) => Centred(Math.Max(i, j), Math.Min(i, j)));

            double Centred(int i, int j)
            {
                double sum = sums[i * ColumnCount + j];
                if (i < _denseCount)
                    return sum;
                double mean = _means[i - _denseCount];
                return sum - mean * (j < _denseCount ? sums[(_denseCount - 1) * ColumnCount + j] : _means[j - _denseCount]);
            }
        }

        private void AddTo(double[] sums, int column, ReadOnlySpan<double> values, double factor)
        {
            Span<double> target = sums.AsSpan(column * ColumnCount, values.Length);
            TensorPrimitives.MultiplyAdd(values, factor, target, target);
        }

        private ReadOnlySpan<double> Dense(int row) => _dense.AsSpan(row * _denseCount, _denseCount);

        private static Column[] Columns(ExampleSet examples, double[] shares)
        {
            var columns = new Column[examples.FeatureCount];
            for (int row = 0; row < shares.Length; row++)
            {
                foreach ((int i, float value) in examples.Features(row).Items())
                    columns[i].Add(value, shares[row]);
            }
            double[] squares = new double[columns.Length];
            double[] present = new double[columns.Length];
            for (int row = 0; row < shares.Length; row++)
            {
                foreach ((int i, float value) in examples.Features(row).Items())
                {
                    squares[i] += shares[row] * Math.Pow(value - columns[i].Mean, 2);
                    present[i] += shares[row];
                }
            }
            for (int i = 0; i < columns.Length; i++)
                columns[i].Deviation = Math.Sqrt(squares[i] + Math.Max(0, 1 - present[i]) * Math.Pow(columns[i].Mean, 2));
            for (int i = 0; i < columns.Length; i++)
                columns[i].End(shares.Length);
            return columns;
        }

        private struct Column
        {
            private float _least;
            private float _largest;
            private int _values;

            public double Mean { get; private set; }

            public double Deviation { get; set; }

            public int NonZeros { get; private set; }

            public readonly bool Varies => _least < _largest;

            public void Add(float value, double share)
            {
                Mean += share * value;
                _least = _values == 0 ? value : Math.Min(_least, value);
                _largest = _values == 0 ? value : Math.Max(_largest, value);
                _values++;
                if (value != 0)
                    NonZeros++;
            }

            /// <summary>Rows without the column have 0 there.</summary>
            public void End(int rows)
            {
                if (_values == rows)
                    return;
                _least = Math.Min(_least, 0);
                _largest = Math.Max(_largest, 0);
            }
        }
    }
}
