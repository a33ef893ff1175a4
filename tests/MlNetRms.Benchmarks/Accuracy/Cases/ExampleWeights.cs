using MlNetRms.Benchmarks.Accuracy.Oracles;
using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Example weights that correlate with a feature, with the squared loss and Huber's loss. OnlineGradientDescent ignores weights.</summary>
internal static class ExampleWeights
{
    private const int Rows = 2000;
    private const float Delta = 1;
    private static readonly Goal _goal = Goal.AtMost(0.02, 0.005);

    private static readonly (string Name, Func<ulong, ExampleSet> Draw)[] _sets =
    [
        ("example weights exp(2x)", seed => WeightedSets.Exponential(Rows, seed)),
        ("example weights, log-normal 1e-3..1e3", seed => WeightedSets.LogNormal(Rows, seed)),
        ("example weights, log-uniform 1e-3..1e3", seed => WeightedSets.LogUniform(Rows, seed)),
    ];

    public static IEnumerable<Finding> Find(bool quick)
    {
        foreach ((string name, Func<ulong, ExampleSet> draw) in _sets)
        {
            yield return new Finding(name, "excess, %", Draws.LargestExcess(quick, draw), _goal);
            yield return new Finding($"{name}, Huber", "excess of loss, %",
                Figures.Largest(Draws.Seeds(quick).Select(seed => HuberExcess(draw(seed)))), _goal);
        }
    }

    private static Figures HuberExcess(ExampleSet training)
    {
        Func<double, double> loss = ConvexLoss.Huber(Delta).Value;
        double least = ConvexMinimum.OfHuber(training, Delta).MeanLoss(training, loss);
        LinearFit fit = Contenders.FitRmsProp(training, new() { LossFunction = new HuberLoss(Delta) });
        return new Figures(100 * (fit.MeanLoss(training, loss) / least - 1));
    }
}
