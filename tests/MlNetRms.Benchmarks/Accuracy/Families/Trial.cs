using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetRms.Benchmarks.Accuracy.Oracles;

namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>One training with default options but no penalty, compared with least squares.</summary>
/// <param name="ExcessPercent">
/// Excess of the RMSE of the returned model, as ML.NET scores it, over the smallest of any linear model in double, in percent; NaN if training
/// failed.
/// </param>
/// <param name="ReportedPercent">What the report says about it; null if it says nothing.</param>
/// <param name="Warnings">What was logged.</param>
internal sealed record Trial(double ExcessPercent, double? ReportedPercent, IReadOnlyList<string> Warnings)
{
    /// <summary>An excess up to this much needs no warning.</summary>
    public const double ReachPercent = 0.1;

    public bool HasWarned => Warnings.Count > 0;

    public bool IsWithinReach => ExcessPercent <= ReachPercent;

    /// <summary>The excess; a failed training is the worst of all.</summary>
    public double Badness => double.IsNaN(ExcessPercent) ? double.PositiveInfinity : ExcessPercent;

    /// <summary>Whether the model is worse than it should be and the log does not say so.</summary>
    public bool IsSilentlyWrong => !IsWithinReach && !HasWarned;

    public static Trial Of(ExampleSet examples)
    {
        double least = LeastSquaresMinimum.RmseOf(examples);
        var context = new MLContext(seed: 1);
        var warnings = new List<string>();
        context.Log += (_, entry) =>
        {
            if (entry.Kind != ChannelMessageKind.Warning)
                return;
            lock (warnings)
                warnings.Add(entry.RawMessage);
        };
        IDataView view = examples.View(context);
        RmsPropRegressionTransformer fitted;
        try
        {
            fitted = context.Regression.Trainers.RmsProp(new RmsPropRegressionTrainer.Options
            {
                L2Regularization = 0,
                ExampleWeightColumnName = examples.IsWeighted ? "Weight" : null,
            }).Fit(view);
        }
        catch (InvalidOperationException exception)
        {
            return new(double.NaN, null, [exception.Message]);
        }
        return new(100 * (ScoredRmse(fitted, examples, view) / least - 1), 100 * ReportedGap(fitted.Training), warnings);
    }

    public override string ToString()
    {
        string reported = ReportedPercent is { } percent ? FormattableString.Invariant($", {percent:g4} % reported") : "";
        string warned = HasWarned ? $", warned: {string.Join(" ", Warnings)}" : "";
        return FormattableString.Invariant($"{ExcessPercent:g4} % over{reported}{warned}");
    }

    /// <summary>Weighted RMSE of ML.NET's own scores, whose weights, bias and sums are floats.</summary>
    private static double ScoredRmse(RmsPropRegressionTransformer model, ExampleSet examples, IDataView view)
    {
        double squares = 0;
        int row = 0;
        foreach (float score in model.Transform(view).GetColumn<float>("Score"))
        {
            squares += examples.Weight(row) * Math.Pow((double)score - examples.Labels[row], 2);
            row++;
        }
        return Math.Sqrt(squares / examples.TotalWeight);
    }

    /// <summary>The report's own distance from the optimum, as a share of RMSE.</summary>
    private static double? ReportedGap(TrainingReport report) => report.OptimalityGap?.Share;
}
