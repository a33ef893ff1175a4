using System.Reflection;
using Microsoft.ML.SearchSpace;

namespace MlNetRms.Samples;

/// <summary>The values to try for an option, from the range that the option itself declares for a search.</summary>
internal static class Ladder
{
    /// <summary>The start of the option's range, multiplied and divided by a factor as long as that stays within the range.</summary>
    /// <param name="option">Name of a property of <see cref="RmsPropRegressionTrainer.Options"/> with a logarithmic range.</param>
    /// <param name="factor">From one value to the next; greater than 1.</param>
    /// <returns>The values, smallest first.</returns>
    public static double[] Of(string option, double factor)
    {
        RangeAttribute range = RangeOf(option);
        // The ends belong to the range, also where they are not quite what the factor leads to.
        const double Slack = 1e-5;
        double start = Convert.ToDouble(range.Init);
        int down = (int)Math.Floor(Math.Log(start / Convert.ToDouble(range.Min), factor) + Slack);
        int up = (int)Math.Floor(Math.Log(Convert.ToDouble(range.Max) / start, factor) + Slack);
        return [.. Enumerable.Range(-down, down + 1 + up).Select(power => start * Math.Pow(factor, power))];
    }

    /// <summary>The range, for the reader of the output.</summary>
    public static string Describe(string option)
    {
        RangeAttribute range = RangeOf(option);
        return FormattableString.Invariant($"{option} {Convert.ToDouble(range.Min):0.######} to {Convert.ToDouble(range.Max):0.######}");
    }

    private static RangeAttribute RangeOf(string option) =>
        typeof(RmsPropRegressionTrainer.Options).GetProperty(option)?.GetCustomAttribute<RangeAttribute>()
            ?? throw new ArgumentException($"Option '{option}' declares no range.", nameof(option));
}
