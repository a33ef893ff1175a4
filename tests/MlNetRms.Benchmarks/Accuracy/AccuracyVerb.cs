using System.Diagnostics;
using Microsoft.ML.Trainers;
using MlNetRms.Benchmarks.Accuracy.Cases;

namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>
/// How near the default options come to the exact answer, class of data by class of data, beside Sdca and
/// OnlineGradientDescent, and whether that is near enough.
/// </summary>
internal static class AccuracyVerb
{
    private static readonly CaseGroup[] _groups =
    [
        new("real sets", RealSets.Find),
        new("ill-conditioned", IllConditionedSets.Find),
        new("example weights", ExampleWeights.Find),
        new("one-hot", OneHot.Find),
        new("text", Texts.Find),
        new("wide", WideSets.Find),
        new("collinear", CollinearSets.Find),
        new("centered", CenteredSteps.Find),
        new("early stopping", EarlyStops.Find),
        new("non-negative weights", NonNegativeWeights.Find),
        new("robust losses", RobustLosses.Find),
        new("large", LargeSets.Find),
        new("search ranges", SearchRanges.Find),
    ];

    public static void Run(Arguments arguments)
    {
        Report.Header(typeof(SdcaRegressionTrainer), typeof(MathNet.Numerics.LinearAlgebra.Matrix<>));
        var findings = new List<Finding>();
        long start = Stopwatch.GetTimestamp();
        foreach (CaseGroup group in arguments.Select(_groups, group => group.Name))
        {
            long groupStart = Stopwatch.GetTimestamp();
            Console.Error.Write($"{group.Name} … ");
            findings.AddRange(group.Find(arguments.Quick));
            Console.Error.WriteLine(Report.Time(Stopwatch.GetElapsedTime(groupStart).TotalSeconds));
        }
        Report.Table(Finding.Columns, [.. findings.Select(finding => finding.Cells)], textColumns: 2);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine(Report.Invariant($"""
            {findings.Count(finding => finding.IsReached)} of {findings.Count} lines reached, in {Report.Time(seconds)}.

            - RmsProp: default options, unless the case names others, on raw features. Sdca and OnlineGradientDescent (OGD): default
              options, behind NormalizeMeanVariance where the features are dense, on raw features where they are sparse; Sdca on one thread.
            - Excess: of the RMSE on the training rows over that of least squares, or of the mean loss over its minimum, in double.
              Least squares of dense columns drops singular values under 1e-5 of the largest of the standardised columns.
            - Of several draws each trainer's worst. Reach is what RmsProp must keep, aim what would be better still.
            """));
    }

    /// <param name="Name">As <c>--only</c> calls it.</param>
    /// <param name="Find">Measures all its lines; told whether small sizes will do.</param>
    private sealed record CaseGroup(string Name, Func<bool, IEnumerable<Finding>> Find);
}
