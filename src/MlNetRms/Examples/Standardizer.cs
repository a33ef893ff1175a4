namespace MlNetRms.Examples;

/// <summary>
/// What each column and the label are shifted and scaled by before training, and the way back to raw units.
/// </summary>
/// <remarks>
/// Dense columns and the label get mean 0 and standard deviation 1. A sparse column keeps its zeros: it is not centred,
/// and scaled by the root mean square of its non-zero values. Scaled by its standard deviation instead, a rare value
/// would become huge, and one row with it would throw the weights about. A constant column gets scale 0, hence weight 0.
/// </remarks>
internal sealed class Standardizer
{
    /// <summary>A column is sparse if less than this share of the rows' weight is not zero in it.</summary>
    private const double SparseShare = 0.1;

    /// <summary>A standard deviation below this share of the mean is rounding: float has 24 bits.</summary>
    private const double ConstantShare = 1e-7;

    private readonly bool _standardize;
    private readonly double[] _means;
    private readonly double[] _centers;
    private readonly double[] _scales;
    private readonly double _labelMean;

    /// <param name="columns">Moments of all feature columns and, behind them, the label.</param>
    /// <param name="columnCount">Number of feature columns.</param>
    /// <param name="standardize">Whether to shift and scale at all; if not, only sparse columns are found.</param>
    public Standardizer(ColumnMoments columns, int columnCount, bool standardize)
    {
        _standardize = standardize;
        _means = new double[columnCount];
        _centers = new double[columnCount];
        _scales = new double[columnCount];
        IsSparse = new bool[columnCount];
        for (int i = 0; i < columnCount; i++)
        {
            ColumnSummary column = columns.Summarize(i);
            _means[i] = column.Mean;
            IsSparse[i] = column.NonZeroWeight < SparseShare * columns.TotalWeight;
            _scales[i] = 1;
            bool constant = IsConstant(column);
            ConstantColumnCount += constant ? 1 : 0;
            if (standardize)
            {
                _centers[i] = IsSparse[i] ? 0 : column.Mean;
                _scales[i] = constant ? 0
                    : 1 / Math.Sqrt(IsSparse[i] ? MeanSquareOfNonZeros(column, columns.TotalWeight) : column.Variance);
            }
        }
        ColumnSummary label = columns.Summarize(columnCount);
        _labelMean = label.Mean;
        if (standardize)
        {
            LabelCenter = label.Mean;
            LabelStandardDeviation = label.Variance > 0 ? Math.Sqrt(label.Variance) : 1;
        }
    }

    /// <summary>Which columns hold so few non-zero values that they are kept as indices and values.</summary>
    public bool[] IsSparse { get; }

    public int ConstantColumnCount { get; }

    public double LabelCenter { get; }

    public double LabelStandardDeviation { get; } = 1;

    /// <summary>A mean half-squared error of the standardised label, in squared units of the raw label.</summary>
    public double LossInLabelUnits(double loss) => loss * LabelStandardDeviation * LabelStandardDeviation;

    /// <summary>What is subtracted from a column.</summary>
    public double Center(int column) => _centers[column];

    /// <summary>What a column is then multiplied by; 0 for a constant one.</summary>
    public double Scale(int column) => _scales[column];

    /// <summary>
    /// Weights and bias in raw units. Where the data was standardised, the bias is not the trained one but
    /// ȳ − Σ w·x̄ with the weights as rounded to float, which makes the mean residual on the training rows zero.
    /// </summary>
    public (float[] Weights, float Bias) FoldBack(ReadOnlySpan<double> weights, double bias)
    {
        var raw = new float[weights.Length];
        double rawBias = _standardize ? _labelMean : bias;
        for (int i = 0; i < raw.Length; i++)
        {
            raw[i] = (float)(weights[i] * _scales[i] * LabelStandardDeviation);
            if (_standardize)
                rawBias -= raw[i] * _means[i];
        }
        return (raw, (float)rawBias);
    }

    private static bool IsConstant(ColumnSummary column) => Math.Sqrt(column.Variance) <= ConstantShare * Math.Abs(column.Mean);

    private static double MeanSquareOfNonZeros(ColumnSummary column, double totalWeight) =>
        (column.Variance + column.Mean * column.Mean) * (totalWeight / column.NonZeroWeight);
}
