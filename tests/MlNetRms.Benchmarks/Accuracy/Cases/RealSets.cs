using MlNetRms.Benchmarks.Accuracy.Oracles;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>80 % of the rows of real sets: distance from least squares in the error and in every weight.</summary>
internal static class RealSets
{
    private const double TrainingShare = 0.8;
    private const int SplitSeed = 17;
    private const string Excess = "excess, %";
    private const string WeightError = "largest weight error, std. errors";

    public static IEnumerable<Finding> Find(bool quick)
    {
        var findings = new List<Finding>();
        foreach ((string name, string path) in DataSets.All)
        {
            ExampleSet training = ExampleSet.From(FileRows.Load(path)).Split(TrainingShare, SplitSeed).Training;
            ExactLeastSquares least = ExactLeastSquares.Solve(training);
            Contenders fits = Contenders.Fit(training);
            string title = $"{name}, {training.Count} × {training.FeatureCount}";
            findings.Add(new(title, Excess, fits.Measure(fit => fit.ExcessPercent(training, least.Fit)), Goal.AtMost(0.02, 0.005)));
            findings.Add(new(title, WeightError, fits.Measure(least.LargestError), Goal.AtMost(0.5, 0.2)));
        }
        if (findings.Count == 0)
        {
            Console.Error.Write($"{DataSets.Missing} … ");
            return [];
        }
        return findings.OrderBy(finding => finding.Measured).Append(Median(findings)).Append(ShareWithin(findings));
    }

    private static Finding Median(List<Finding> findings) =>
        new("real sets, median", Excess, Summary(findings, Excess, Statistics.Median), Goal.AtMost(0.0002));

    /// <summary>29 of 31 sets, or the same share of the sets that are installed.</summary>
    private static Finding ShareWithin(List<Finding> findings)
    {
        const double Bound = 0.5;
        const double Percent = 93.5;
        return new("real sets", Report.Invariant($"% of sets within {Bound} std. errors"),
            Summary(findings, WeightError, errors => 100.0 * errors.Count(error => error <= Bound) / errors.Length), Goal.AtLeast(Percent));
    }

    private static Figures Summary(List<Finding> findings, string measured, Func<double[], double> summary) =>
        Figures.Summarize(findings.Where(finding => finding.Measured == measured).Select(finding => finding.Figures), summary);
}
