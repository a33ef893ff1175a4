using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms;
using MlNetRms.Samples;
using Spectre.Console;

const string Help = """
    From a CSV file with categories, text and missing values to prices with a range:
    load, fill, encode, train, compare, save, load, predict.

    usage: dotnet run --project samples/HousePrices [-- options]

      --data FILE        a CSV file with the columns of houses.csv
                         (default: houses.csv, made up)
      --output DIR       where the model houses.zip and the picture houses.png go
                         (default: samples/HousePrices/output)
      --generate FILE    only writes the made-up houses.csv to that file
      --help             this text
    """;
return CommandLine.Run(args, Help, HousePrices.Run);

/// <summary>What a model says of a house.</summary>
internal sealed class Estimate
{
    public float Score { get; set; }
}

/// <summary>From a CSV file with categories, text and missing values to prices with an interval, the whole ML.NET way.</summary>
internal static class HousePrices
{
    private const double TestFraction = 0.2;
    private const int ShownCoefficients = 14;

    public static int Run(CommandLine commandLine)
    {
        Output.Prepare();
        if (commandLine["--generate"] is { } generated)
        {
            MadeUpHouses.Write(generated);
            OutputFolder.Wrote(generated);
            return 0;
        }
        string folder = OutputFolder.Made(commandLine["--output"]);
        var ml = new MLContext(seed: 1);
        IDataView houses = HouseFeatures.Load(ml, commandLine["--data"] ?? Path.Combine(AppContext.BaseDirectory, "houses.csv"));
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(houses, TestFraction);

        // Features once for all trainings: made from the training rows alone, then kept in memory.
        ITransformer features = HouseFeatures.Pipeline(ml).Fit(split.TrainSet);
        IDataView train = ml.Data.Cache(features.Transform(split.TrainSet), "Features", HouseFeatures.Label);
        IDataView test = ml.Data.Cache(features.Transform(split.TestSet), "Features", HouseFeatures.Label);

        PrintComparison(Contest.Run(ml, train, test));
        PriceRange range = PriceRange.Fit(ml, train, test);
        Print(range);

        RmsPropRegressionTransformer prices = ml.Regression.Trainers.RmsProp(HouseFeatures.Label).Fit(train);
        Coefficient[] coefficients = [.. prices.GetCoefficients().Where(coefficient => coefficient.StandardError > 0)
            .OrderByDescending(coefficient => Math.Abs(coefficient.TValue ?? 0)).Take(ShownCoefficients)];
        PrintCoefficients(coefficients);

        string modelPath = Path.Combine(folder, "houses.zip");
        ml.Model.Save(new TransformerChain<ITransformer>(features, prices), houses.Schema, modelPath);
        PrintOne(ml, modelPath, ml.Data.CreateEnumerable<House>(split.TestSet, reuseRowObject: false).First());

        string picturePath = Path.Combine(folder, "houses.png");
        HousePicture.Save(picturePath, range, coefficients);
        Output.Line();
        OutputFolder.Wrote(modelPath);
        OutputFolder.Wrote(picturePath);
        return 0;
    }

    private static void PrintComparison(IReadOnlyList<Contestant> contestants)
    {
        Output.Heading("Prices of houses that were not trained on");
        Table table = Output.NewTable(["trainer"], ["epochs", "RMSE", "MAE", "R²", "fit ms"]);
        double best = contestants.Min(contestant => contestant.Rmse);
        foreach (Contestant contestant in contestants)
            table.AddRow(Output.Marked(contestant.Name, contestant.Rmse == best, contestant.RSquared < 0), contestant.Epochs?.ToString() ?? "auto",
                Output.Number(contestant.Rmse, "0.00"), Output.Number(contestant.Mae, "0.00"), Output.Number(contestant.RSquared, "0.0000"),
                Output.Number(contestant.FitTime.TotalMilliseconds, "0"));
        AnsiConsole.Write(table);
        Output.Line("RMSE and MAE in thousand euros; * is the smallest RMSE, x worse than the mean price. Sdca and OnlineGradientDescent follow " +
            "NormalizeMeanVariance, RmsProp takes the features as they are. With early stopping a tenth of the training rows judges each epoch. " +
            "OnlineGradientDescent makes one epoch by its default. Fit: the second time.");
    }

    private static void Print(PriceRange range)
    {
        Output.Heading("A range for each house: quantiles by QuantileLoss");
        Output.Line($"Of {range.Houses.Length} test houses {Output.Number(100 * range.Coverage, "0.0")} % cost what the range from the 5 % to the " +
            $"95 % quantile says (90 % are meant to); its mean width is {Output.Number(range.MeanWidth, "0")} thousand euros, " +
            $"{Output.Number(range.WidthOfSmall, "0")} for the smallest fifth of the houses and " +
            $"{Output.Number(range.WidthOfLarge, "0")} for the largest.");
    }

    private static void PrintCoefficients(Coefficient[] coefficients)
    {
        Output.Heading("What makes a price, in thousand euros");
        Table table = Output.NewTable(["feature"], ["per unit", "std. error", "t"]);
        foreach (Coefficient coefficient in coefficients)
            table.AddRow(Markup.Escape(coefficient.Name), Output.Number(coefficient.Weight, "0.000"),
                Output.Number(coefficient.StandardError!.Value, "0.000"), Output.Number(coefficient.TValue!.Value, "0.0"));
        AnsiConsole.Write(table);
        Output.Line($"The {coefficients.Length} features whose weight is largest for its standard error.");
    }

    private static void PrintOne(MLContext ml, string modelPath, House house)
    {
        Output.Heading("Saved, loaded, and asked about one house");
        ITransformer loaded = ml.Model.Load(modelPath, out _);
        using PredictionEngine<House, Estimate> engine = ml.Model.CreatePredictionEngine<House, Estimate>(loaded);
        Output.Line($"{house.Area} m², {house.Rooms} rooms, {house.District}, \"{house.Description}\": estimated " +
            $"{Output.Number(engine.Predict(house).Score, "0")}, sold for {Output.Number(house.Price, "0")}.");
    }
}
