using System.Diagnostics;
using Microsoft.ML.Trainers;
using MlNetRms.Benchmarks.Accuracy.Cases;
using MlNetRms.Benchmarks.Accuracy.Families;

namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>
/// How close the default options come to the exact answer, for each class of data, compared with Sdca and OnlineGradientDescent, and whether
/// that is close enough.
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
        new("random tables", RandomTables.Find),
        .. Family.All.Select(family => new CaseGroup($"past limits: {family.Name}", quick => [PastLimits.Find(family, quick)])),
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

            - RmsProp: default options unless the case names others, on raw features. Sdca and OnlineGradientDescent (OGD): default
              options; dense features go through NormalizeMeanVariance, sparse features stay raw; Sdca runs on one thread.
            - Excess: of the RMSE on the training rows over that of least squares, or of the mean loss over its minimum, in double.
              For dense columns, least squares drops singular values below 1e-7 of the largest (of the standardised columns).
            - "past limits" and "random tables": L2Regularization = 0, and the RMSE of ML.NET's own scores over that of least squares in double,
              whatever its singular values. `reported`: what the report says of the same draw; `warned`: draws with a warning. `warned` as a
              verdict: every draw that misses `reach` has one. More random tables: MLNETRMS_RANDOM_TABLES=1000.
            - For several random draws, the worst of each trainer. `reach` is the required limit, `aim` the stretch goal.
            """));
    }

    /// <param name="Name">Name for <c>--only</c>.</param>
    /// <param name="Find">Measures all its lines; true asks for small sizes.</param>
    private sealed record CaseGroup(string Name, Func<bool, IEnumerable<Finding>> Find);
}
