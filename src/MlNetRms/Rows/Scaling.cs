using MlNetRms.Kernels;
using MlNetRms.Saving;

namespace MlNetRms.Rows;

/// <summary>
/// What each column and the label are shifted and scaled by before training, and the conversion from and to raw units.
/// Plain data, immutable.
/// </summary>
/// <remarks>
/// Dense columns and the label get mean 0 and standard deviation 1. A sparse column keeps its zeros: it is not centred,
/// and scaled by the root mean square of its non-zero values. Scaled by its standard deviation instead, a rare value
/// would become huge, and one row with it would destabilise the weights. In a set small enough to be decorrelated as a whole no column is
/// sparse: levels of a category add up to nearly 1, which only decorrelation tells from the bias. A constant column gets scale 0, hence weight 0.
/// Where the columns outnumber half the rows and some are sparse, each is scaled by the square root of its size only, relative
/// to the usual size of a non-zero value (Pareto scaling): that keeps some of the weight that common words have over rare ones. The size of a
/// column that is known from few values is drawn to the usual one.
/// </remarks>
internal sealed class Scaling
{
    /// <summary>A column is sparse if less than this share of the rows' weight is not zero in it.</summary>
    private const double SparseShare = 0.1;

    /// <summary>
    /// Sets within these bounds have no sparse columns where they can be decorrelated: so many columns, packed values, and products of the
    /// values of a row that are not zero. A fit with 300 one-hot columns then takes 0.1 s more, and with 500, for the eigenvectors, 0.5 s.
    /// </summary>
    private const int MostCenteredColumns = 320;
    private const long MostCenteredValues = 16_000_000;
    private const double MostProducts = 64_000_000;

    /// <summary>Most that Pareto scaling makes of a difference in size: a column in quite other units must not drown the rest.</summary>
    private const double MostParetoFactor = 4;

    private readonly bool[] _isSparse;
    private readonly double[] _means;
    private readonly double[] _centers;
    private readonly double[] _scales;
    private readonly double[] _nonZeroShares;
    private readonly double _labelMean;
    private readonly double _labelVariance;
    private readonly double _denseEnergy;
    private readonly double _sparseEnergy;

    /// <param name="columns">The columns.</param>
    /// <param name="moments">Of all features and, behind them, the label.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <param name="standardize">Whether to shift and scale at all; if not, only sparse columns are found.</param>
    /// <param name="mayDecorrelate">Whether the options leave it open to decorrelate columns.</param>
    /// <param name="previous">Shift and scale to keep, for all columns but those that were constant then; or null. Its columns are among these.</param>
    /// <param name="cancellation">Ends the work between steps that take some ten milliseconds for a million columns.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Scaling(ActiveFeatures columns, ColumnMoments moments, long rowCount, bool standardize, bool mayDecorrelate = false, Scaling? previous = null,
        CancellationToken cancellation = default)
    {
        int columnCount = columns.Count;
        Columns = columns;
        IsOn = standardize;
        ConstantColumnCount = columns.FeatureCount - columnCount;
        _means = new double[columnCount];
        _centers = new double[columnCount];
        _scales = new double[columnCount];
        _nonZeroShares = new double[columnCount];
        _isSparse = new bool[columnCount];
        StandardDeviations = new double[columnCount];
        ColumnSummary[] summaries = [.. Enumerable.Range(0, columnCount).Select(column => moments.Summarize(columns[column]))];
        cancellation.ThrowIfCancellationRequested();
        Wideness = Math.Clamp(2.0 * summaries.Count(column => !IsConstant(column)) / rowCount - 1, 0, 1);
        double? usualSize = Wideness > 0 ? UsualSize(summaries, moments.TotalWeight) : null;
        IsPareto = standardize && usualSize is not null;
        cancellation.ThrowIfCancellationRequested();
        double valuesPerRow = summaries.Sum(column => column.NonZeroWeight) / moments.TotalWeight;
        CentersSparse = mayDecorrelate && Wideness == 0 && columnCount <= MostCenteredColumns && rowCount * columnCount <= MostCenteredValues
            && rowCount * valuesPerRow * valuesPerRow <= MostProducts && summaries.Any(column => HasFewNonZeros(column, moments.TotalWeight));
        for (int i = 0; i < columnCount; i++)
        {
            ColumnSummary column = summaries[i];
            _means[i] = column.Mean;
            _nonZeroShares[i] = column.NonZeroWeight / moments.TotalWeight;
            StandardDeviations[i] = Math.Sqrt(column.Variance);
            _isSparse[i] = !CentersSparse && HasFewNonZeros(column, moments.TotalWeight);
            _scales[i] = 1;
            bool constant = IsConstant(column);
            ConstantColumnCount += constant ? 1 : 0;
            if (standardize)
            {
                _centers[i] = _isSparse[i] ? 0 : column.Mean;
                double size = _isSparse[i] ? SizeOfNonZeros(column, moments.TotalWeight) : Math.Sqrt(column.Variance);
                if (_isSparse[i] && !constant && usualSize is { } usual)
                    size = Shrunk(size, usual, _nonZeroShares[i] * rowCount);
                _scales[i] = constant ? 0 : ParetoFactor(size, usualSize) / size;
            }
            if (previous?.Columns.ColumnOf(columns[i]) is >= 0 and int before && previous._scales[before] != 0)
                (_isSparse[i], _centers[i], _scales[i]) = (previous._isSparse[before], previous._centers[before], previous._scales[before]);
            else if (previous is not null && _scales[i] != 0)
                HasNewUnits = true;
            if (_scales[i] != 0)
                LargestValue = Math.Max(LargestValue, moments.FarthestFrom(_centers[i], columns[i]) * _scales[i]);
            double meanSquare = column.Variance + Math.Pow(column.Mean - _centers[i], 2);
            (_isSparse[i] ? ref _sparseEnergy : ref _denseEnergy) += meanSquare * _scales[i] * _scales[i];
        }
        ColumnSummary label = moments.Summarize(columns.FeatureCount);
        _labelMean = label.Mean;
        _labelVariance = label.Variance;
        IsLabelConstant = IsConstant(label);
        if (!standardize)
            return;
        LabelCenter = label.Mean;
        LabelStandardDeviation = label.Variance > 0 ? Math.Sqrt(label.Variance) : 1;
        if (previous is { IsLabelConstant: false })
            (LabelCenter, LabelStandardDeviation, IsLabelConstant) = (previous.LabelCenter, previous.LabelStandardDeviation, false);
        else if (previous is not null && !IsLabelConstant)
            HasNewUnits = true;
    }

    /// <summary>The columns; all that is said here by column is in their order.</summary>
    public ActiveFeatures Columns { get; }

    /// <summary>Whether anything is shifted and scaled.</summary>
    public bool IsOn { get; }

    /// <summary>How far the columns that vary outnumber half the rows: from 0 where they do not to 1 where they are as many as the rows.</summary>
    public double Wideness { get; }

    /// <summary>Whether columns keep some of their differences in size, so that the dense ones need not have variance 1.</summary>
    public bool IsPareto { get; }

    /// <summary>Mean squared length of a scaled row.</summary>
    public double Energy => _denseEnergy + _sparseEnergy;

    /// <summary>The same over the columns with few non-zero values alone.</summary>
    public double SparseEnergy => _sparseEnergy;

    /// <summary>The largest size of a value in the units of training; infinite where it is not known.</summary>
    public double LargestValue { get; }

    /// <summary>Which columns are sparse.</summary>
    public ReadOnlySpan<bool> IsSparse => _isSparse;

    /// <summary>Whether there are columns with few non-zero values that are centred all the same, and so not sparse.</summary>
    public bool CentersSparse { get; }

    /// <summary>Columns that do not vary in these rows, those that do not take part included.</summary>
    public int ConstantColumnCount { get; }

    /// <summary>
    /// Whether the label or a column that was constant in the previous rows varies in these, so that its unit could not be kept:
    /// what an optimiser learned about the size of gradients does not hold then.
    /// </summary>
    public bool HasNewUnits { get; }

    /// <summary>Of each column over all rows, zeros included, in raw units.</summary>
    public double[] StandardDeviations { get; }

    public double LabelCenter { get; }

    public double LabelStandardDeviation { get; } = 1;

    private bool IsLabelConstant { get; }

    /// <summary>What is subtracted from a column.</summary>
    public double Center(int column) => _centers[column];

    /// <summary>What a column is then multiplied by; 0 for a constant one.</summary>
    public double Scale(int column) => _scales[column];

    /// <summary>Share of the rows' weight that is not 0 in a column.</summary>
    public double NonZeroShare(int column) => _nonZeroShares[column];

    /// <summary>Whether few of a column's values are not 0.</summary>
    public bool IsMostlyZero(int column) => _nonZeroShares[column] < SparseShare;

    /// <summary>Mean of a column over these rows, in the units of training: 0 where it is centred on them.</summary>
    public double ScaledMean(int column) => (_means[column] - _centers[column]) * _scales[column];

    /// <summary>Mean of the label over these rows, in the units of training.</summary>
    public double ScaledLabelMean => (_labelMean - LabelCenter) / LabelStandardDeviation;

    /// <summary>Variance of the label over these rows, in the units of training.</summary>
    public double ScaledLabelVariance => _labelVariance / (LabelStandardDeviation * LabelStandardDeviation);

    /// <summary>Weights by column and bias, in raw units.</summary>
    /// <param name="weights">Trained weights of all columns.</param>
    /// <param name="bias">Trained bias.</param>
    /// <param name="centerResiduals">Whether the bias is to be ȳ − Σ w·x̄, with the weights as rounded to float, which makes the
    /// mean residual on the training rows zero. Right for the squared loss; has no effect without standardisation.</param>
    public (float[] Weights, float Bias) ToRaw(ReadOnlySpan<double> weights, double bias, bool centerResiduals)
    {
        bool recompute = centerResiduals && IsOn;
        double[] from = recompute ? _means : _centers;
        double rawBias = recompute ? _labelMean : LabelCenter + LabelStandardDeviation * bias;
        var raw = new float[weights.Length];
        for (int i = 0; i < raw.Length; i++)
        {
            raw[i] = (float)(weights[i] * _scales[i] * LabelStandardDeviation);
            rawBias -= raw[i] * from[i];
        }
        return (raw, (float)rawBias);
    }

    /// <summary>Converts raw weights, one a feature, and bias to training units by column. A constant column's weight becomes 0.</summary>
    public (float[] Weights, float Bias) FromRaw(IReadOnlyList<float> weights, float bias)
    {
        var scaled = new float[Columns.Count];
        double scaledBias = bias - LabelCenter;
        for (int i = 0; i < scaled.Length; i++)
        {
            float weight = weights[Columns[i]];
            scaled[i] = _scales[i] == 0 ? 0 : (float)(weight / (_scales[i] * LabelStandardDeviation));
            scaledBias += weight * _centers[i];
        }
        return (scaled, (float)(scaledBias / LabelStandardDeviation));
    }

    /// <summary>Whether float cannot tell the values apart: moments are summed about one of the values, so equal values give exactly 0.</summary>
    private static bool IsConstant(ColumnSummary column) => column.Variance == 0;

    private static bool HasFewNonZeros(ColumnSummary column, double totalWeight) => column.NonZeroWeight < SparseShare * totalWeight;

    /// <summary>Root mean square of the non-zero values.</summary>
    private static double SizeOfNonZeros(ColumnSummary column, double totalWeight) =>
        Math.Sqrt((column.Variance + column.Mean * column.Mean) * (totalWeight / column.NonZeroWeight));

    /// <summary>
    /// The size of a column of so many values, as if it had one more of the usual size (a mean of logarithms): a single value near 0 would make
    /// a weight that is enormous for the values of other rows.
    /// </summary>
    private static double Shrunk(double size, double usual, double values) => usual * Math.Pow(size / usual, values / (values + 1));

    /// <summary>√(size / usual), the scaled size of a column; 1 where there is no usual size.</summary>
    private static double ParetoFactor(double size, double? usualSize) =>
        usualSize is { } usual ? Math.Clamp(Math.Sqrt(size / usual), 1 / MostParetoFactor, MostParetoFactor) : 1;

    /// <summary>Root mean square of the non-zero values of all sparse columns; null if there is none.</summary>
    private static double? UsualSize(ColumnSummary[] columns, double totalWeight)
    {
        double squares = 0;
        double weight = 0;
        foreach (ColumnSummary column in columns.Where(column => HasFewNonZeros(column, totalWeight)))
        {
            squares += (column.Variance + column.Mean * column.Mean) * totalWeight;
            weight += column.NonZeroWeight;
        }
        return squares > 0 ? Math.Sqrt(squares / weight) : null;
    }

    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static Scaling Exchange(Archive file, Scaling? scaling) => new(file, scaling);

    private Scaling(Archive file, Scaling? scaling)
    {
        Columns = ActiveFeatures.Exchange(file, scaling?.Columns);
        IsOn = file.Flag(scaling?.IsOn);
        Wideness = file.Value(scaling?.Wideness);
        IsPareto = file.Flag(scaling?.IsPareto);
        CentersSparse = file.Flag(scaling?.CentersSparse);
        LargestValue = file.Value(scaling?.LargestValue);
        ConstantColumnCount = file.Value(scaling?.ConstantColumnCount);
        HasNewUnits = file.Flag(scaling?.HasNewUnits);
        LabelCenter = file.Value(scaling?.LabelCenter);
        LabelStandardDeviation = file.Value(scaling?.LabelStandardDeviation);
        IsLabelConstant = file.Flag(scaling?.IsLabelConstant);
        _labelMean = file.Value(scaling?._labelMean);
        _labelVariance = file.Value(scaling?._labelVariance);
        _denseEnergy = file.Value(scaling?._denseEnergy);
        _sparseEnergy = file.Value(scaling?._sparseEnergy);
        byte[]? flags = scaling is null ? null : Array.ConvertAll(scaling._isSparse, flag => (byte)(flag ? 1 : 0));
        _isSparse = Array.ConvertAll(file.Array(flags, Columns.Count), flag => flag != 0);
        _means = file.Array(scaling?._means, Columns.Count);
        _centers = file.Array(scaling?._centers, Columns.Count);
        _scales = file.Array(scaling?._scales, Columns.Count);
        _nonZeroShares = file.Array(scaling?._nonZeroShares, Columns.Count);
        StandardDeviations = file.Array(scaling?.StandardDeviations, Columns.Count);
    }
}
