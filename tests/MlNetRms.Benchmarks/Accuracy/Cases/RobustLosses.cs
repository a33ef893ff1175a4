using Microsoft.ML.Trainers;
using MlNetRms.Benchmarks.Accuracy.Oracles;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Huber's loss and the quantile loss on the ill-conditioned sets: excess of the mean loss over the exact minimum.</summary>
internal static class RobustLosses
{
    private const float Quantile = 0.8f;

    public static IEnumerable<Finding> Find(bool quick)
    {
        IEnumerable<DenseClass> correlated = IllConditionedSets.Correlated.Where(set => set.Noise == 1).Take(quick ? 1 : int.MaxValue);
        foreach (DenseClass set in (DenseClass[])[.. IllConditionedSets.Rotated, .. correlated, .. IllConditionedSets.Polynomials])
        {
            float delta = (float)set.Noise;
            Func<double, double> huber = ConvexLoss.Huber(delta).Value;
            yield return new Finding($"{set.Name}, Huber", "excess of loss, %", Largest(quick, set,
                training => ConvexMinimum.OfHuber(training, delta), new HuberLoss(delta), huber), Goal.AtMost(0.1));
            yield return new Finding(Report.Invariant($"{set.Name}, quantile {Quantile}"), "excess of loss, %", Largest(quick, set,
                training => ConvexMinimum.OfQuantile(training, Quantile), new QuantileLoss(Quantile),
                residual => ConvexLoss.Quantile(Quantile, residual)), Goal.AtMost(0.5));
        }
    }

    private static Figures Largest(bool quick, DenseClass set, Func<ExampleSet, LinearFit> minimum, IRegressionLoss loss,
        Func<double, double> value) => Figures.Largest(Draws.Seeds(quick).Select(seed =>
        {
            ExampleSet training = set.Draw(seed);
            double least = minimum(training).MeanLoss(training, value);
            return new Figures(100 * (Contenders.FitRmsProp(training, new() { LossFunction = loss }).MeanLoss(training, value) / least - 1));
        }));
}
