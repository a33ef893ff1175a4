using MlNetRms.Benchmarks.Accuracy.Sets;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>
/// Ten thousand columns generated from two factors: training RMSE divided by the label's standard deviation. The largest of ten seeds of data
/// and trainer.
/// </summary>
internal static class CollinearSets
{
    private const int Columns = 10_000;
    private const int Seeds = 10;

    public static IEnumerable<Finding> Find(bool quick)
    {
        foreach (int rows in quick ? [129] : new[] { 129, 300, 1000 })
        {
            double[] errors = [.. Enumerable.Range(1, quick ? 2 : Seeds).Select(seed =>
            {
                ExampleSet training = DenseSets.TwoFactors(rows, Columns, (ulong)seed);
                return RelativeRmse(Contenders.FitRmsProp(training, new() { Seed = seed }), training);
            })];
            Figures figures = new(errors.Any(double.IsNaN) ? double.NaN : errors.Max());
            if (!quick)
            {
                // One seed only, because a fit takes a quarter of a minute.
                ExampleSet first = DenseSets.TwoFactors(rows, Columns, seed: 1);
                figures = figures with { Sdca = RelativeRmse(Contenders.FitSdca(first, PeerFeatures.Normalized), first) };
            }
            yield return new Finding($"{rows} × {Columns} of two factors", "RMSE / label's deviation", figures, Goal.AtMost(0.3));
        }
    }

    private static double RelativeRmse(LinearFit fit, ExampleSet training) => fit.Rmse(training) / training.LabelDeviation;
}
