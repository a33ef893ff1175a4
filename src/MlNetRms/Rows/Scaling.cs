using MlNetRms.Saving;
using MlNetRms.Settings;

namespace MlNetRms.Rows;

/// <summary>
/// How each column and the label are shifted and scaled before training, and the conversion from and to raw units. Plain data, immutable.
/// </summary>
/// <remarks>
/// Dense columns and the label get mean 0 and standard deviation 1. A sparse column keeps its zeros: it is not centred, and scaled by the root mean
/// square of its non-zero values. If it were divided by its standard deviation, a rare value would become huge, and one row with it would
/// destabilise the weights. A constant column gets scale 0, hence weight 0. <see cref="Decisions"/> says which columns are sparse, and when the
/// trainer departs from this.
/// </remarks>
internal sealed class Scaling
{
    private readonly bool[] _isSparse;
    private readonly double[] _means;
    private readonly double[] _centers;
    private readonly double[] _scales;
    private readonly double[] _nonZeroShares;
    private readonly LabelUnits _label;
    private readonly RowNorms _norms;

    private Scaling(Archive file, Scaling? written)
    {
        Columns = ActiveFeatures.Exchange(file, written?.Columns);
        IsOn = file.Flag(written?.IsOn);
        ScalesByRoot = file.Flag(written?.ScalesByRoot);
        LargestValue = file.Value(written?.LargestValue);
        ConstantColumnCount = file.Value(written?.ConstantColumnCount);
        HasNewUnits = file.Flag(written?.HasNewUnits);
        _label = LabelUnits.Exchange(file, written?._label);
        _norms = file.Value(written?._norms);
        _isSparse = file.Array(written?._isSparse, Columns.Count);
        _means = file.Array(written?._means, Columns.Count);
        _centers = file.Array(written?._centers, Columns.Count);
        _scales = file.Array(written?._scales, Columns.Count);
        _nonZeroShares = file.Array(written?._nonZeroShares, Columns.Count);
        StandardDeviations = file.Array(written?.StandardDeviations, Columns.Count);
    }

    /// <param name="columns">The columns.</param>
    /// <param name="moments">Of all features and, behind them, the label.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <param name="settings">Whether to shift and scale at all (if not, only sparse columns are found), and whether whitening is allowed.</param>
    /// <param name="previous">
    /// Shift and scale to keep for all columns except those that were constant then; null to find all in these rows. Its columns are among these.
    /// </param>
    /// <param name="cancellation">Cancels between passes over the columns, which take tens of milliseconds for a million columns.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Scaling(ActiveFeatures columns, ColumnMoments moments, long rowCount, ReadingSettings settings, Scaling? previous = null,
        CancellationToken cancellation = default)
    {
        int count = columns.Count;
        Columns = columns;
        IsOn = settings.Standardize;
        _isSparse = new bool[count];
        _means = new double[count];
        _centers = new double[count];
        _scales = new double[count];
        _nonZeroShares = new double[count];
        StandardDeviations = new double[count];

        var summaries = ColumnSummaries.From(columns, moments);
        cancellation.ThrowIfCancellationRequested();
        ConstantColumnCount = columns.FeatureCount - summaries.VaryingCount;
        double wideness = Decisions.Wideness(summaries.VaryingCount, rowCount);
        bool scalesByRoot = Decisions.ScalesByRoot(wideness, summaries.UsualSize is not null);
        ScalesByRoot = IsOn && scalesByRoot;
        double? usualSize = scalesByRoot ? summaries.UsualSize : null;
        cancellation.ThrowIfCancellationRequested();

        for (int i = 0; i < count; i++)
        {
            ColumnSummary column = summaries[i];
            _means[i] = column.Mean;
            _nonZeroShares[i] = column.NonZeroWeight / summaries.TotalWeight;
            StandardDeviations[i] = Math.Sqrt(column.Variance);
            SetUnit(i, column, summaries.TotalWeight, rowCount, usualSize);
            HasNewUnits |= previous is not null && !KeepsUnit(i, previous) && _scales[i] != 0;
            if (_scales[i] != 0)
                LargestValue = Math.Max(LargestValue, moments.FarthestFrom(_centers[i], columns[i]) * _scales[i]);
            double meanSquare = column.Variance + Math.Pow(column.Mean - _centers[i], 2);
            _norms = _norms.With(_isSparse[i], meanSquare * _scales[i] * _scales[i]);
        }
        _label = LabelUnits.From(moments.Summarize(columns.FeatureCount), IsOn);
        if (IsOn && previous is { _label.IsConstant: false })
            _label = _label with { Center = previous._label.Center, Deviation = previous._label.Deviation, IsConstant = false };
        else if (IsOn && previous is not null && !_label.IsConstant)
            HasNewUnits = true;
    }

    /// <summary>The columns; everything here that is by column is in their order.</summary>
    public ActiveFeatures Columns { get; }

    /// <summary>Whether values are shifted and scaled at all.</summary>
    public bool IsOn { get; }

    /// <summary>Whether columns keep some of their differences in size, so that the dense ones need not have variance 1.</summary>
    public bool ScalesByRoot { get; }

    /// <summary>Mean squared length of a scaled row.</summary>
    public double RowNorm => _norms.Dense + _norms.Sparse;

    /// <summary>The part of <see cref="RowNorm"/> that comes from the sparse columns.</summary>
    public double SparseRowNorm => _norms.Sparse;

    /// <summary>The largest size of a value in the units of training; infinite if it is not known.</summary>
    public double LargestValue { get; }

    /// <summary>Values per row that are not 0.</summary>
    public double NonZerosPerRow => _nonZeroShares.Sum();

    /// <summary>Which columns are sparse.</summary>
    public ReadOnlySpan<bool> IsSparse => _isSparse;

    /// <summary>Features that do not vary in these rows, including those that are not active.</summary>
    public int ConstantColumnCount { get; }

    /// <summary>Features that vary in these rows.</summary>
    public int VaryingColumnCount => Columns.FeatureCount - ConstantColumnCount;

    /// <summary>
    /// Whether the label or a column was constant in the previous rows and varies in these, so that its unit could not be kept. What the optimiser
    /// learned about the size of gradients no longer holds then.
    /// </summary>
    public bool HasNewUnits { get; }

    /// <summary>Of each column over all rows, zeros included, in raw units.</summary>
    public double[] StandardDeviations { get; }

    public double LabelCenter => _label.Center;

    public double LabelStandardDeviation => _label.Deviation;

    /// <summary>Reads or writes the units.</summary>
    /// <exception cref="FormatException">The content is not consistent.</exception>
    public static Scaling Exchange(Archive file, Scaling? written) => new(file, written);

    public double LabelMean => _label.Mean;

    /// <summary>Mean of a column over these rows, in raw units.</summary>
    public double Mean(int column) => _means[column];

    /// <summary>The number that is subtracted from a column.</summary>
    public double Center(int column) => _centers[column];

    /// <summary>The factor that a column is then multiplied by; 0 for a constant column.</summary>
    public double Scale(int column) => _scales[column];

    /// <summary>Share of the rows, by weight, whose value in a column is not 0.</summary>
    public double NonZeroShare(int column) => _nonZeroShares[column];

    /// <summary>Mean of a column over these rows, in the units of training: 0 if it is centred on them.</summary>
    public double ScaledMean(int column) => (_means[column] - _centers[column]) * _scales[column];

    /// <summary>Mean square of a column over these rows, in the units of training.</summary>
    public double ScaledMeanSquare(int column) => Math.Pow(StandardDeviations[column] * _scales[column], 2) + Math.Pow(ScaledMean(column), 2);

    /// <summary>Mean square of a column's raw values plus that of its stored ones, both in the units of training.</summary>
    public double RoundedMeanSquare(int column) => _scales[column] * _scales[column] * (2 * Math.Pow(StandardDeviations[column], 2)
        + Math.Pow(_means[column], 2) + Math.Pow(_means[column] - _centers[column], 2));

    /// <summary>Mean of the label over these rows, in the units of training.</summary>
    public double ScaledLabelMean => (_label.Mean - _label.Center) / _label.Deviation;

    /// <summary>Variance of the label over these rows, in the units of training.</summary>
    public double ScaledLabelVariance => _label.Variance / (_label.Deviation * _label.Deviation);

    /// <summary>Weights by column and bias, in raw units.</summary>
    /// <param name="weights">Trained weights of all columns.</param>
    /// <param name="bias">Trained bias.</param>
    /// <param name="centerResiduals">
    /// Whether the bias is ȳ − Σ w·x̄, with the weights as rounded to float, which makes the mean residual on the training rows zero. Right for the
    /// squared loss; has no effect without standardisation.
    /// </param>
    public (float[] Weights, float Bias) ToRaw(ReadOnlySpan<double> weights, double bias, bool centerResiduals)
    {
        bool recompute = centerResiduals && IsOn;
        double[] from = recompute ? _means : _centers;
        double rawBias = recompute ? _label.Mean : LabelCenter + LabelStandardDeviation * bias;
        var raw = new float[weights.Length];
        for (int i = 0; i < raw.Length; i++)
        {
            raw[i] = (float)(weights[i] * _scales[i] * LabelStandardDeviation);
            rawBias -= raw[i] * from[i];
        }
        return (raw, (float)rawBias);
    }

    /// <summary>Converts raw weights, one per feature, and bias to training units by column. A constant column's weight becomes 0.</summary>
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

    /// <summary>Centre and scale of a column from its moments.</summary>
    /// <param name="i">The column.</param>
    /// <param name="column">Its moments.</param>
    /// <param name="totalWeight">Weight of all rows.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="usualSize">Of sparse columns; null unless columns are scaled by the root of their size.</param>
    private void SetUnit(int i, ColumnSummary column, double totalWeight, long rowCount, double? usualSize)
    {
        _isSparse[i] = Decisions.IsSparse(column.NonZeroWeight, totalWeight);
        _scales[i] = 1;
        if (!IsOn)
            return;
        _centers[i] = _isSparse[i] ? 0 : column.Mean;
        double size = _isSparse[i] ? column.SizeOfNonZeros(totalWeight) : Math.Sqrt(column.Variance);
        if (_isSparse[i] && !column.IsConstant && usualSize is { } usual)
            size = Decisions.ShrunkSize(size, usual, _nonZeroShares[i] * rowCount);
        _scales[i] = column.IsConstant ? 0 : (usualSize is { } common ? Decisions.RootFactor(size, common) : 1) / size;
    }

    /// <summary>Takes over the unit that a column had before, unless it was constant or not active then.</summary>
    private bool KeepsUnit(int i, Scaling previous)
    {
        int before = previous.Columns.ColumnOf(Columns[i]);
        if (before < 0 || previous._scales[before] == 0)
            return false;
        (_isSparse[i], _centers[i], _scales[i]) = (previous._isSparse[before], previous._centers[before], previous._scales[before]);
        return true;
    }

    /// <summary>Mean squared length of a scaled row over the dense and over the sparse columns.</summary>
    private readonly record struct RowNorms(double Dense, double Sparse)
    {
        public RowNorms With(bool isSparse, double meanSquare) => isSparse
            ? this with { Sparse = Sparse + meanSquare }
            : this with { Dense = Dense + meanSquare };
    }

    /// <summary>Mean and variance of the label over the rows, the number subtracted from it, and the number it is then divided by.</summary>
    private readonly record struct LabelUnits(double Mean, double Variance, double Center, double Deviation, bool IsConstant)
    {
        public static LabelUnits Exchange(Archive file, LabelUnits? written) => new(
            file.Value(written?.Mean), file.Value(written?.Variance), file.Value(written?.Center), file.Value(written?.Deviation),
            file.Flag(written?.IsConstant));

        public static LabelUnits From(ColumnSummary label, bool standardize) => standardize
            ? new(label.Mean, label.Variance, label.Mean, label.Variance > 0 ? Math.Sqrt(label.Variance) : 1, label.IsConstant)
            : new(label.Mean, label.Variance, Center: 0, Deviation: 1, label.IsConstant);
    }

    /// <summary>The moments of all columns, and figures over all of them.</summary>
    private sealed record ColumnSummaries(ColumnSummary[] Columns, double TotalWeight)
    {
        public ColumnSummary this[int column] => Columns[column];

        public int VaryingCount { get; } = Columns.Count(column => !column.IsConstant);

        /// <summary>Root mean square of the non-zero values of all sparse columns; null if there are none.</summary>
        public double? UsualSize { get; } = Size(Columns, TotalWeight);

        public static ColumnSummaries From(ActiveFeatures columns, ColumnMoments moments) =>
            new([.. Enumerable.Range(0, columns.Count).Select(column => moments.Summarize(columns[column]))], moments.TotalWeight);

        private static double? Size(ColumnSummary[] columns, double totalWeight)
        {
            double squares = 0;
            double weight = 0;
            foreach (ColumnSummary column in columns.Where(column => Decisions.IsSparse(column.NonZeroWeight, totalWeight)))
            {
                squares += column.MeanSquare * totalWeight;
                weight += column.NonZeroWeight;
            }
            return squares > 0 ? Math.Sqrt(squares / weight) : null;
        }
    }
}
