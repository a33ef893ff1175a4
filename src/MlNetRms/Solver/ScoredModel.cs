using MlNetRms.Rows;
using MlNetRms.Settings;

namespace MlNetRms.Solver;

/// <summary>The returned model's prediction for a row as read, in the arithmetic of ML.NET.</summary>
internal delegate float RowScore(in Row row);

/// <summary>What it costs that weights, bias and scores are floats.</summary>
/// <param name="Error">Root mean square of the difference between a score and the prediction of the unrounded weights, in label units.</param>
/// <param name="LossChange">How much higher the mean loss of the scores is, in the units of the reports; below 0 if rounding happens to help.</param>
/// <param name="MeanSquare">Mean squared residual of the unrounded weights, in label units.</param>
/// <param name="ScoredMeanSquare">Mean squared residual of the scores.</param>
internal sealed record RoundingCost(double Error, double LossChange, double MeanSquare, double ScoredMeanSquare)
{
    /// <summary>The least share of the root mean squared error that is worth anything.</summary>
    private const double LeastShare = 0.001;

    /// <summary>Whether rounding raises the root mean squared error by more than a little.</summary>
    public bool IsNoticeable => ScoredMeanSquare > (1 + LeastShare) * (1 + LeastShare) * MeanSquare;
}

/// <summary>Compares the scores of the returned model with the predictions of its unrounded weights, on the rows kept as read.</summary>
/// <remarks>
/// If these are not all rows, the mean loss of the unrounded weights over all rows is that of <see cref="MeanLoss"/>, whose own arithmetic is
/// corrected for as it acts on these rows. The change of the loss ℓ by a difference d from the prediction p is counted without its odd part, which
/// is about 0 in the mean over all rows, but not over a few. It is not where labels and scores lie on the same floats.
/// </remarks>
internal sealed class ScoredModel
{
    private readonly LossSettings _loss;
    private readonly RawPredictions _predictions;
    private readonly RowScore _score;
    private readonly Sums _sums;

    /// <param name="rows">The training rows.</param>
    /// <param name="loss">The loss in label units.</param>
    /// <param name="predictions">Those of the unrounded weights.</param>
    /// <param name="score">Scores with the returned model.</param>
    public ScoredModel(TrainingRows rows, LossSettings loss, RawPredictions predictions, RowScore score)
    {
        _loss = loss;
        _score = score;
        _predictions = predictions;
        _sums = Sums.FromNumbers(rows.Training.Sum([.. rows.Samples.Select(sample => Measure(sample).ToNumbers())]));
        IsOfAllRows = rows.SampledRows == rows.Training.RowCount;
    }

    /// <summary>Whether every row has been kept.</summary>
    public bool IsOfAllRows { get; }

    /// <param name="meanSquare">Mean squared residual of the unrounded weights over all rows as stored, in label units; not needed if
    /// <see cref="IsOfAllRows"/>.</param>
    /// <param name="meanLoss">Their mean loss, in the units of the reports; needed only beside it, and not for the squared loss.</param>
    /// <returns>The cost, and the mean loss of the unrounded weights.</returns>
    public (RoundingCost Cost, double Loss) Measure(double meanSquare, double meanLoss)
    {
        double weight = _sums.Weight;
        double exact = IsOfAllRows ? _sums.Squares.Exact / weight : Math.Max(meanSquare - _sums.Squares.StoredChange / weight, 0);
        double scored = exact + _sums.Squares.Change(IsOfAllRows) / weight;
        double factor = _loss.IsSquared ? _loss.Value(1, 0) : 0;
        double loss = _loss.IsSquared ? factor * exact
            : IsOfAllRows ? _sums.Losses.Exact / weight : meanLoss - _sums.Losses.StoredChange / weight;
        double change = _loss.IsSquared ? factor * (scored - exact) : _sums.Losses.Change(IsOfAllRows) / weight;
        return (new RoundingCost(Math.Sqrt(_sums.SquaredErrors / weight), change, exact, Math.Max(scored, 0)), loss);
    }

    private Sums Measure(RowSample sample)
    {
        var sums = new Sums();
        for (int number = 0; number < sample.Count; number++)
        {
            Row row = sample[number];
            (double prediction, double stored) = _predictions.Of(row);
            double score = _score(row);
            float label = row.Label;
            sums.Weight += row.Weight;
            sums.SquaredErrors += row.Weight * Math.Pow(score - prediction, 2);
            sums.Squares = sums.Squares.With(row.Weight, value => Math.Pow(value - label, 2), prediction, score, stored);
            if (!_loss.IsSquared)
                sums.Losses = sums.Losses.With(row.Weight, value => _loss.Value((float)value, label), prediction, score, stored);
        }
        return sums;
    }

    /// <summary>Sums over the rows kept.</summary>
    private record struct Sums(double Weight, double SquaredErrors, Changes Squares, Changes Losses)
    {
        public readonly double[] ToNumbers() => [Weight, SquaredErrors, .. Squares.ToNumbers(), .. Losses.ToNumbers()];

        public static Sums FromNumbers(double[] n) => new(n[0], n[1], Changes.FromNumbers(n[2..7]), Changes.FromNumbers(n[7..12]));
    }

    /// <summary>Weighted sums of some losses ℓ at predictions p, and of how a difference d of the scores changes them.</summary>
    /// <param name="Exact">ℓ(p).</param>
    /// <param name="Even">½·(ℓ(p + d) + ℓ(p − d)) − ℓ(p).</param>
    /// <param name="Odd">½·(ℓ(p + d) − ℓ(p − d)).</param>
    /// <param name="OddSquares">The squares of these terms, weight included.</param>
    /// <param name="StoredChange">The even part for the differences of <see cref="MeanLoss"/>.</param>
    private readonly record struct Changes(double Exact, double Even, double Odd, double OddSquares, double StoredChange)
    {
        /// <summary>Deviations from which on a sum is not one that is 0 in the mean.</summary>
        private const double Significant = 4;

        public Changes With(double weight, Func<double, double> loss, double prediction, double score, double stored)
        {
            double exact = loss(prediction);
            (double above, double below) = (loss(score), loss(2 * prediction - score));
            double odd = weight * (above - below) / 2;
            double ofStored = (loss(stored) + loss(2 * prediction - stored)) / 2 - exact;
            return new(Exact + weight * exact, Even + weight * ((above + below) / 2 - exact), Odd + odd, OddSquares + odd * odd,
                StoredChange + weight * ofStored);
        }

        /// <summary>What the scores change in sum; of a sample without the odd part, unless that is not by chance.</summary>
        public double Change(bool isOfAllRows) =>
            isOfAllRows || Odd * Odd > Significant * Significant * OddSquares ? Even + Odd : Even;

        public double[] ToNumbers() => [Exact, Even, Odd, OddSquares, StoredChange];

        public static Changes FromNumbers(double[] n) => new(n[0], n[1], n[2], n[3], n[4]);
    }
}

/// <summary>The predictions for rows as read, in label units, by weights that have not been rounded to raw units.</summary>
internal sealed class RawPredictions
{
    private readonly Scaling _scaling;
    private readonly double[] _weights;
    private readonly float[] _roundedWeights;
    private readonly double _ofZeros;

    /// <param name="scaling">The units of training.</param>
    /// <param name="weights">Weights by column, the bias last, in these units.</param>
    public RawPredictions(Scaling scaling, double[] weights)
    {
        _scaling = scaling;
        _weights = weights;
        _roundedWeights = Array.ConvertAll(weights, weight => (float)weight);
        _ofZeros = weights[^1];
        for (int column = 0; column < scaling.Columns.Count; column++)
            _ofZeros -= weights[column] * scaling.Scale(column) * scaling.Center(column);
    }

    /// <summary>The prediction in double, and one rounded as by <see cref="MeanLoss"/>: weights, stored values, products and sums.</summary>
    public (double Exact, double Stored) Of(in Row row)
    {
        double exact = row.IsDense ? _weights[^1] : _ofZeros;
        float stored = (float)exact;
        for (int k = 0; k < row.Values.Length; k++)
        {
            int column = _scaling.Columns.ColumnOf(row.Column(k));
            if (column < 0)
                continue;
            double value = (row.IsDense ? row.Values[k] - _scaling.Center(column) : row.Values[k]) * _scaling.Scale(column);
            exact += _weights[column] * value;
            stored += _roundedWeights[column] * (float)value;
        }
        return (Raw(exact), Raw(stored));

        double Raw(double prediction) => _scaling.LabelCenter + _scaling.LabelStandardDeviation * prediction;
    }
}
