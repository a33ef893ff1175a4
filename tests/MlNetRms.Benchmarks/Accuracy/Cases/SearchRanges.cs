using System.Reflection;
using Microsoft.ML.SearchSpace;

namespace MlNetRms.Benchmarks.Accuracy.Cases;

/// <summary>
/// Options drawn at random from the search ranges in their attributes, on the real sets: no model may be worse than the mean of the
/// labels.
/// </summary>
internal static class SearchRanges
{
    private const int Draws = 400;
    private const int QuickDraws = 60;
    private const int QuickSets = 3;

    public static IEnumerable<Finding> Find(bool quick)
    {
        ExampleSet[] sets = [.. DataSets.All.Select(set => ExampleSet.From(FileRows.Load(set.Path))).OrderBy(set => set.Count)];
        if (sets.Length == 0)
        {
            Console.Error.Write($"{DataSets.Missing} … ");
            yield break;
        }
        if (quick)
            sets = sets[..Math.Min(QuickSets, sets.Length)];
        var random = new Random(1);
        int draws = quick ? QuickDraws : Draws;
        int worse = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            ExampleSet training = sets[draw % sets.Length];
            double rmse = Contenders.FitRmsProp(training, Drawn(random)).Rmse(training);
            if (!(rmse <= training.LabelDeviation))
                worse++;
        }
        yield return new Finding($"{draws} draws from the search ranges, {sets.Length} real sets", "draws above the constant predictor",
            new Figures(worse), Goal.AtMost(0));
    }

    private static RmsPropRegressionTrainer.Options Drawn(Random random)
    {
        var options = new RmsPropRegressionTrainer.Options();
        foreach (PropertyInfo property in typeof(RmsPropRegressionTrainer.Options).GetProperties())
        {
            if (property.GetCustomAttribute<RangeAttribute>() is { } range)
            {
                double value = Between(Convert.ToDouble(range.Min), Convert.ToDouble(range.Max), range.LogBase, random);
                Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                property.SetValue(options, type == typeof(int) ? (int)Math.Round(value) : (object)(float)value);
            }
            else if (property.GetCustomAttribute<BooleanChoiceAttribute>() is not null)
                property.SetValue(options, random.Next(2) == 1);
        }
        return options;
    }

    private static double Between(double low, double high, bool isLogarithmic, Random random)
    {
        double share = random.NextDouble();
        return isLogarithmic ? low * Math.Pow(high / low, share) : low + share * (high - low);
    }
}
