using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Text;

namespace MlNetRms.Samples;

/// <summary>From the columns of the file to one vector of numbers.</summary>
internal static class HouseFeatures
{
    public const string Label = nameof(House.Price);

    public static IDataView Load(MLContext ml, string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"File '{path}' does not exist.");
        // Without MissingRealsAsNaNs an empty field would be read as 0: a house of no size, built in the year 0.
        return ml.Data.LoadFromTextFile<House>(path, new TextLoader.Options { HasHeader = true, Separators = [','], AllowQuoting = true, MissingRealsAsNaNs = true });
    }

    /// <summary>Fills what is missing and says that it was, makes numbers of categories and words, and puts all side by side.</summary>
    public static IEstimator<ITransformer> Pipeline(MLContext ml) => ml.Transforms
        .IndicateMissingValues([new InputOutputColumnPair("AreaMissing", nameof(House.Area)), new InputOutputColumnPair("YearMissing", nameof(House.Year))])
        .Append(ml.Transforms.Conversion.ConvertType(
            [new InputOutputColumnPair("No area", "AreaMissing"), new InputOutputColumnPair("No year", "YearMissing")]))
        .Append(ml.Transforms.ReplaceMissingValues(
            [new InputOutputColumnPair(nameof(House.Area)), new InputOutputColumnPair(nameof(House.Year))], MissingValueReplacingEstimator.ReplacementMode.Mean))
        .Append(ml.Transforms.Categorical.OneHotEncoding([new InputOutputColumnPair(nameof(House.District)), new InputOutputColumnPair(nameof(House.Heating))]))
        .Append(ml.Transforms.Text.FeaturizeText("Words", new TextFeaturizingEstimator.Options
        {
            WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 1 },
            CharFeatureExtractor = null,
            Norm = TextFeaturizingEstimator.NormFunction.None,
            KeepPunctuations = false,
        }, nameof(House.Description)))
        .Append(ml.Transforms.Concatenate("Features", nameof(House.Area), nameof(House.Rooms), nameof(House.Year), nameof(House.Plot), nameof(House.Distance),
            "No area", "No year", nameof(House.District), nameof(House.Heating), "Words"));
}
