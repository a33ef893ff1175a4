using MlNetRms.Rows;
using MlNetRms.Solver;

namespace MlNetRms.Host;

/// <summary>
/// What is lost because rows, weights and scores are floats. Each method returns sentences that name the column, the figure and the remedy, or null.
/// </summary>
internal sealed class FloatDoubts(TrainingRows rows, InputColumns columns)
{
    /// <summary>If less than this share of the label's deviation is left unexplained, rounding matters to nobody.</summary>
    private const double LeastShareOfLabel = 1e-4;

    /// <summary>A mean of this many standard deviations is far from 0: without it, rounding would cost a tenth.</summary>
    private const double FarInDeviations = 10;

    /// <summary>From here on neighbouring floats are more than 1 apart.</summary>
    private const double LargestDense = 1 << 24;

    private readonly Scaling _scaling = rows.Scaling;

    /// <summary>No feature varies, or one may have varied before it became a float.</summary>
    public string? FindConstant()
    {
        int[] constant = [.. Enumerable.Range(0, _scaling.Columns.Count).Where(column => _scaling.StandardDeviations[column] == 0)];
        if (rows.Training.RowCount == 1 || constant.Length == 0)
            return null;
        int column = constant.MaxBy(column => Math.Abs(_scaling.Mean(column)));
        double value = _scaling.Mean(column);
        bool isLarge = Math.Abs(value) >= LargestDense;
        if (_scaling.VaryingColumnCount > 0 && !isLarge)
            return null;
        string every = FormattableString.Invariant($"{columns.NameOf(_scaling.Columns[column])} is {value:g9} in every row");
        string what = _scaling.VaryingColumnCount > 0 ? $"{char.ToUpperInvariant(every[0])}{every[1..]}, so it tells nothing. "
            : $"No feature varies in the training rows, so the model predicts the same for every row: {every}. ";
        double spacing = MathF.BitIncrement((float)Math.Abs(value)) - (float)Math.Abs(value);
        return what + (!isLarge ? "" : FormattableString.Invariant($"Float has no numbers there that are less than {spacing:g6} apart. ") +
            "If the values differed before, subtract a constant from them first, then make them floats.");
    }

    /// <summary>Scores of the returned model are noticeably worse than the predictions of its unrounded weights.</summary>
    /// <param name="cost">What was measured.</param>
    /// <param name="weights">The model's weights by column.</param>
    public string? FindRounding(RoundingCost cost, float[] weights)
    {
        double deviation = _scaling.LabelStandardDeviation * Math.Sqrt(_scaling.ScaledLabelVariance);
        if (!(cost.IsNoticeable && cost.Error >= LeastShareOfLabel * deviation))
            return null;
        string costs = FormattableString.Invariant($"The RMSE of the scores on the training rows is {Math.Sqrt(cost.ScoredMeanSquare):g4}; ") +
            FormattableString.Invariant($"it would be {Math.Sqrt(cost.MeanSquare):g4} if ML.NET did not keep weights and scores as floats. ");
        int largest = weights.Length == 0 ? -1 : Enumerable.Range(0, weights.Length).MaxBy(Term);
        if (largest < 0 || Math.Abs(_scaling.LabelMean) > Term(largest))
            return costs + FormattableString.Invariant($"The label, about {_scaling.LabelMean:g6}, is far from 0 for its spread, {deviation:g3}: ") +
                "subtract a constant from it first, and add it to the scores.";
        string name = columns.NameOf(_scaling.Columns[largest]);
        int others = Enumerable.Range(0, weights.Length).Count(column => column != largest && IsFar(column) && Term(column) >= Term(largest) / 10);
        string andOthers = others == 0 ? "" : FormattableString.Invariant($", as {others} others are");
        return costs + (!IsFar(largest)
            ? $"Large weights of nearly dependent features cancel, above all that of {name}: give the difference as a feature, or leave one out."
            : FormattableString.Invariant($"{char.ToUpperInvariant(name[0])}{name[1..]}, about {_scaling.Mean(largest):g6}, is far from 0 ") +
                FormattableString.Invariant($"for its spread, {_scaling.StandardDeviations[largest]:g3}{andOthers}: ") +
                "subtract a constant from it first, before it becomes a float, a power or a product.");

        double Term(int column) => Math.Abs(weights[column]) * Math.Sqrt(
            Math.Pow(_scaling.Mean(column), 2) + Math.Pow(_scaling.StandardDeviations[column], 2));
        bool IsFar(int column) => Math.Abs(_scaling.Mean(column)) >= FarInDeviations * _scaling.StandardDeviations[column];
    }

    /// <summary>
    /// The label depends on a combination of features that varies by no more than rounding, so that it was left out. Nothing is said if a few rows
    /// decide the model.
    /// </summary>
    public string? FindDropped(DroppedUse? use) => use is null || rows.Weights.AreDominated ? null
        : FormattableString.Invariant($"The RMSE would be at least {100 * use.ShareOfRmse:g2} % lower if float columns held better how nearly ") +
            $"dependent features differ, above all {columns.NameOf(_scaling.Columns[use.Column])}: " +
            "such differences were left out (DroppedDirections). Give them as features of their own, " +
            "or subtract constants from the features before they become floats, powers or products.";
}
