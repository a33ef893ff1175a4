using MlNetRms.Benchmarks.Accuracy.Families;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>
/// Ordinary data that is hard for steps by coordinate: the excess over least squares without a penalty, as ML.NET scores the model, or a warning.
/// </summary>
internal static class PastLimits
{
    public static Finding Find(Family family, bool quick)
    {
        var trials = new List<Trial>();
        foreach (ulong seed in Draws.Seeds(quick, family.Draws))
        {
            Trial trial = Trial.Of((quick ? family.Small : family.Large)(seed));
            Console.Error.Write(trial + " … ");
            trials.Add(trial);
        }
        Trial worst = trials.MaxBy(trial => trial.Badness)!;
        return new Finding(family.Name, "excess, %", new Figures(worst.ExcessPercent), Goal.AtMost(Trial.ReachPercent))
        {
            Told = new(worst.ReportedPercent, trials.Count(trial => trial.HasWarned), trials.Count, trials.Exists(trial => trial.IsSilentlyWrong)),
        };
    }
}
