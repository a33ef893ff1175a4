using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Text;

namespace MlNetRms.Samples;

/// <summary>From the columns of the file to one vector of numbers.</summary>
internal static class HouseFeatures
{
    public const string Label = nameof(House.Price);

    /// <summary>Fewer rows than this cannot be split and fitted.</summary>
    private const int FewestRows = 100;

    /// <summary>The rows that have a price.</summary>
    /// <exception cref="UsageException">The file is missing, has other columns or too few rows, or nothing can be learned from it.</exception>
    public static IDataView Load(MLContext ml, string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"File '{path}' does not exist.");
        if (File.ReadLines(path).FirstOrDefault() != House.Header)
            throw new UsageException($"File '{path}' does not begin with the line '{House.Header}'.");
        // Without MissingRealsAsNaNs an empty field would be read as 0: a house of no size, built in the year 0.
        IDataView rows = ml.Data.FilterRowsByMissingValues(ml.Data.LoadFromTextFile<House>(path,
            new TextLoader.Options { HasHeader = true, Separators = [','], AllowQuoting = true, MissingRealsAsNaNs = true }), Label);
        House[] houses = [.. ml.Data.CreateEnumerable<House>(rows, reuseRowObject: false)];
        if (houses.Length < FewestRows)
            throw new UsageException($"File '{path}' has {houses.Length} rows with a price; at least {FewestRows} are needed.");
        if (houses.DistinctBy(house => house.Price).Count() == 1)
            throw new UsageException($"File '{path}': all rows have the same price, so there is nothing to learn.");
        if (houses.Select(house => house with { Price = 0 }).Distinct().Count() == 1)
            throw new UsageException($"File '{path}': all rows are the same except for the price, so nothing can be predicted from them.");
        return rows;
    }

    /// <summary>Fills what is missing and says that it was, makes numbers of categories and words, and puts all side by side.</summary>
    public static IEstimator<ITransformer> Pipeline(MLContext ml) => ml.Transforms
        .IndicateMissingValues([new InputOutputColumnPair("AreaMissing", nameof(House.Area)),
            new InputOutputColumnPair("YearMissing", nameof(House.Year))])
        .Append(ml.Transforms.Conversion.ConvertType(
            [new InputOutputColumnPair("No area", "AreaMissing"), new InputOutputColumnPair("No year", "YearMissing")]))
        .Append(ml.Transforms.ReplaceMissingValues(
            [new InputOutputColumnPair(nameof(House.Area)), new InputOutputColumnPair(nameof(House.Year))],
            MissingValueReplacingEstimator.ReplacementMode.Mean))
        .Append(ml.Transforms.Categorical.OneHotEncoding([new InputOutputColumnPair(nameof(House.District)),
            new InputOutputColumnPair(nameof(House.Heating))]))
        .Append(ml.Transforms.Text.FeaturizeText("Words", new TextFeaturizingEstimator.Options
        {
            WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 1 },
            CharFeatureExtractor = null,
            Norm = TextFeaturizingEstimator.NormFunction.None,
            KeepPunctuations = false,
        }, nameof(House.Description)))
        .Append(ml.Transforms.Concatenate("Features", nameof(House.Area), nameof(House.Rooms), nameof(House.Year), nameof(House.Plot),
            nameof(House.Distance), "No area", "No year", nameof(House.District), nameof(House.Heating), "Words"));
}
