using System.Reflection;
using Microsoft.ML.SearchSpace;
using MlNetRms.Tests.Oracles;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Accuracy;

/// <summary>Every draw from the search ranges in the attributes is better than the mean of the label.</summary>
public sealed class SearchRangesTests
{
    private const int Draws = 8;

    public static TheoryData<string> Names => new(RealData.Names);

    [DataTheory, MemberData(nameof(Names))]
    public void Fit_OptionsDrawnFromTheirRanges_IsBetterThanTheMeanOfTheLabel(string name)
    {
        Examples rows = RealData.Read(name);
        rows = rows.Take(Enumerable.Range(0, Math.Min(rows.Count, 1000)));
        (_, double deviation) = LeastSquares.Moments(rows.Labels.Select(label => (double)label), [.. Enumerable.Repeat(1.0, rows.Count)]);
        for (int draw = 0; draw < Draws; draw++)
            Assert.InRange(rows.Fit(Drawn(new Random(100 * RealData.Names.ToList().IndexOf(name) + draw))).Rmse(rows), 0, deviation);
    }

    private static Options Drawn(Random random)
    {
        var options = new Options();
        foreach (PropertyInfo property in typeof(Options).GetProperties())
        {
            if (property.GetCustomAttribute<BooleanChoiceAttribute>() is not null)
                property.SetValue(options, random.Next(2) == 1);
            if (property.GetCustomAttribute<Microsoft.ML.SearchSpace.RangeAttribute>() is not { } range)
                continue;
            (double low, double high, double share) = (Convert.ToDouble(range.Min), Convert.ToDouble(range.Max), random.NextDouble());
            double value = range.LogBase ? low * Math.Pow(high / low, share) : low + share * (high - low);
            property.SetValue(options, Convert.ChangeType(value, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
        }
        return options;
    }
}
