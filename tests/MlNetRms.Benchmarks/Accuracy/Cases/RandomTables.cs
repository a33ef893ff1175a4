using MlNetRms.Benchmarks.Accuracy.Families;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>Tables of columns of random kinds: how many are off without a warning.</summary>
internal static class RandomTables
{
    private const int Usual = 100;
    private const int Few = 10;

    public static IEnumerable<Finding> Find(bool quick)
    {
        var trials = new List<(ulong Seed, Trial Trial)>();
        for (ulong seed = 1; trials.Count < RandomTable.Count(quick ? Few : Usual); seed++)
        {
            var table = new RandomTable(seed);
            var trial = Trial.Of(table.Examples);
            trials.Add((seed, trial));
            if (!trial.IsWithinReach)
                Console.Error.Write($"\n  seed {seed}, {table}: {trial} ");
        }
        string over = Report.Invariant($"over {Trial.ReachPercent} %");
        string name = $"{trials.Count} random tables, {trials.Count(trial => !trial.Trial.IsWithinReach)} {over}";
        int silent = trials.Count(trial => trial.Trial.IsSilentlyWrong);
        (ulong worstSeed, Trial worst) = trials.MaxBy(trial => trial.Trial.Badness);
        Goal reach = Goal.AtMost(Trial.ReachPercent);
        yield return new Finding(name, $"{over} without a warning", new Figures(silent), Goal.AtMost(0))
        {
            Told = new(null, trials.Count(trial => trial.Trial.HasWarned), trials.Count, IsSilent: silent > 0),
        };
        yield return new Finding(name, $"largest excess, %; seed {worstSeed}", new Figures(worst.ExcessPercent), reach)
        {
            Told = new(worst.ReportedPercent, worst.HasWarned ? 1 : 0, Draws: 1, worst.IsSilentlyWrong),
        };
        yield return new Finding(name, "median of the excess, %", new Figures(Statistics.Median(trials.Select(trial => trial.Trial.Badness))), reach);
    }
}
