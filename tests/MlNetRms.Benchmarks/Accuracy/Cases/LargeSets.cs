using MlNetRms.Benchmarks.Accuracy.Oracles;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>The workloads of the speed tables: the excess, and how many rows it takes.</summary>
internal static class LargeSets
{
    private static readonly (string Workload, Goal Goal, Goal MillionRows)[] _dense =
    [
        ("1M×20", Goal.AtMost(0.001), Goal.AtMost(1)),
        ("500k×100", Goal.AtMost(0.001), Goal.AtMost(0.75)),
        ("100k×1000", Goal.AtMost(0.02), Goal.AtMost(0.65)),
    ];

    private static readonly (string Workload, Goal Goal, Goal MillionRows) _sparse =
        ("sparse 200k×100k", Goal.AtMost(0.74, 0.72), Goal.AtMost(0.64));

    public static IEnumerable<Finding> Find(bool quick)
    {
        foreach ((string name, Goal goal, Goal millionRows) in _dense)
        {
            ExampleSet training = ExampleSet.From(Named(name, quick).Train);
            LinearFit least = ConjugateGradients.LeastSquares(training);
            LinearFit rmsProp = Contenders.FitRmsProp(training, options: null, out TrainingReport? report);
            Contenders fits = Contenders.Beside(rmsProp, training, PeerFeatures.Normalized);
            yield return new Finding(name, "excess, %", fits.Measure(fit => fit.ExcessPercent(training, least)), goal);
            yield return RowsVisited(name, report, millionRows);
        }
        Workload workload = Named(_sparse.Workload, quick);
        ExampleSet sparse = ExampleSet.From(workload.Train);
        ExampleSet test = ExampleSet.From(workload.Test);
        LinearFit sparseFit = Contenders.FitRmsProp(sparse, options: null, out TrainingReport? sparseReport);
        Contenders sparseFits = Contenders.Beside(sparseFit, sparse, PeerFeatures.Raw);
        yield return new Finding(_sparse.Workload, "test RMSE", sparseFits.Measure(fit => fit.Rmse(test)), _sparse.Goal);
        yield return RowsVisited(_sparse.Workload, sparseReport, _sparse.MillionRows);
    }

    private static Workload Named(string name, bool quick) => Workloads.All(quick).First(workload => workload.Name == name);

    private static Finding RowsVisited(string name, TrainingReport? report, Goal goal) =>
        new(name, "rows visited, millions",
            new Figures(report is null ? double.NaN : 1e-6 * report.RowsUsed * report.Epochs.Count), goal);
}
