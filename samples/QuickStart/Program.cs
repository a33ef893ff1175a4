using System.Diagnostics.CodeAnalysis;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetRms;
using MlNetRms.Samples;
using Spectre.Console;

const string Help = """
    Trains RmsProp on raw features with its defaults, compares it with ML.NET's own
    linear trainers, saves the model, loads it, and predicts.

    usage: dotnet run --project samples/QuickStart [-- options]

      --data FILE     the real airfoil file: six numbers a line, tabs, label last
                      (default: made-up rows, embedded)
      --output DIR    where quickstart.zip (the model) and quickstart.png go
                      (default: samples/QuickStart/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, QuickStart.Run);

/// <summary>What a scored row has more than a row.</summary>
internal sealed class Prediction
{
    public float SoundLevel { get; set; }

    public float Score { get; set; }
}

/// <summary>Trains on raw features, compares with ML.NET's own linear trainers, saves, loads, predicts, and draws.</summary>
internal static class QuickStart
{
    private const int RowsToPredict = 5;

    public static int Run(CommandLine commandLine)
    {
        Output.Prepare();
        Airfoil[] rows = Airfoil.Load(commandLine["--data"]);
        string folder = OutputFolder.Made(commandLine["--output"]);
        Output.Line(Airfoil.Describe(commandLine["--data"], rows.Length));

        var ml = new MLContext(seed: 1);
        string? lastMessage = null;
        ml.Log += (_, message) =>
        {
            if (message.Kind == ChannelMessageKind.Info && message.Source.StartsWith(nameof(RmsPropRegressionTrainer), StringComparison.Ordinal))
                lastMessage = message.RawMessage;
        };
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(rows), testFraction: 0.2);

        // The whole job: raw features in, a trained chain out. No normalizer, no settings.
        var pipeline = ml.Transforms.Concatenate("Features", Airfoil.FeatureNames).Append(ml.Regression.Trainers.RmsProp(Airfoil.LabelName));
        TransformerChain<RmsPropRegressionTransformer> model = pipeline.Fit(split.TrainSet);
        Output.Line($"log: {lastMessage}");

        Airfoil[] trainRows = [.. ml.Data.CreateEnumerable<Airfoil>(split.TrainSet, reuseRowObject: false)];
        LeastSquares optimum = LeastSquares.Fit(trainRows);
        TrainingReport training = model.LastTransformer.Training;
        var comparison = new Comparison(ml, split, optimum);
        PrintComparison(comparison.Defaults(training.Epochs.Count), trainRows.Length, rows.Length - trainRows.Length);
        PrintWeights(model.LastTransformer.GetCoefficients(), optimum);

        string modelPath = Path.Combine(folder, "quickstart.zip");
        ml.Model.Save(model, split.TrainSet.Schema, modelPath);
        Airfoil[] testRows = [.. ml.Data.CreateEnumerable<Airfoil>(split.TestSet, reuseRowObject: false)];
        PrintPredictions(ml, modelPath, testRows.Where((_, row) => row % (testRows.Length / RowsToPredict + 1) == 0));

        string picturePath = Path.Combine(folder, "quickstart.png");
        Prediction[] predictions = [.. ml.Data.CreateEnumerable<Prediction>(model.Transform(split.TestSet), reuseRowObject: false)];
        QuickStartPicture.Save(picturePath, comparison, training, predictions);
        Output.Line();
        OutputFolder.Wrote(modelPath);
        OutputFolder.Wrote(picturePath);
        return 0;
    }

    private static void PrintComparison(IReadOnlyList<Result> results, int trainCount, int testCount)
    {
        Output.Heading("Three trainers with their defaults, one also with more epochs");
        Table table = Output.NewTable(["trainer", "input"], ["epochs", "RMSE", "R²", "above opt.", "fit ms"]);
        double best = results.Min(result => result.Rmse);
        foreach (Result result in results)
            table.AddRow([Output.Marked(result.Trainer, result.Rmse == best, result.RSquared < 0), result.Input, result.Epochs?.ToString() ?? "auto",
                .. result.Failure is null ? Numbers(result) : ["failed", "", "", ""]]);
        AnsiConsole.Write(table);
        Output.Line("* smallest RMSE; x no model, or one worse than the mean of the label.");
        foreach (Result result in results.Where(result => result.Failure is not null))
            Output.Line($"x {result.Trainer}, {result.Input}: {result.Failure}");
        Output.Line($"RMSE in dB, and R²: on the {testCount} test rows. Above opt.: RMSE on the {trainCount} training rows, compared with the " +
            "smallest any linear function can have (least squares). Fit: the whole pipeline, the second time. Scaled: by NormalizeMeanVariance, as " +
            "ML.NET's own trainers ask for. OnlineGradientDescent goes through the rows once by its default, RmsProp until it has made 2000 steps.");
    }

    private static string[] Numbers(Result result) =>
    [
        Short(result.Rmse, "0.000"),
        result.RSquared > -10 ? Output.Number(result.RSquared, "0.0000") : "< -10",
        Short(Math.Round(result.PercentAboveOptimum, 4) + 0.0, "0.0000") + " %",    // + 0 takes the sign off a negative zero
        Short(result.FitTime.TotalMilliseconds, "0.0"),
    ];

    /// <summary>A number that fits into its column, whatever a trainer has made of the data.</summary>
    private static string Short(double value, [StringSyntax(StringSyntaxAttribute.NumericFormat)] string format) =>
        Output.Number(value, Math.Abs(value) switch { < 100 => format, < 1_000_000 => "0", _ => "0.0e0" });

    private static void PrintWeights(CoefficientTable coefficients, LeastSquares optimum)
    {
        Output.Heading("Weights of RmsProp, in dB");
        Table table = Output.NewTable(["feature", "unit"], ["per unit", "least squares", "per std. dev."]);
        for (int i = 0; i < coefficients.Count; i++)
            table.AddRow(coefficients[i].Name, Airfoil.FeatureUnits[i], Output.Number(coefficients[i].Weight, "g5"),
                Output.Number(optimum.Weights[i], "g5"), Output.Number(coefficients[i].WeightPerStandardDeviation ?? double.NaN, "0.000"));
        table.AddRow("(bias)", "", Output.Number(coefficients.Bias, "g5"), Output.Number(optimum.Bias, "g5"), "");
        AnsiConsole.Write(table);
    }

    private static void PrintPredictions(MLContext ml, string modelPath, IEnumerable<Airfoil> rows)
    {
        Output.Heading("Saved, loaded, and asked about rows it has not seen");
        ITransformer loaded = ml.Model.Load(modelPath, out _);
        using PredictionEngine<Airfoil, Prediction> engine = ml.Model.CreatePredictionEngine<Airfoil, Prediction>(loaded);
        Table table = Output.NewTable([], [.. Airfoil.FeatureNames, "actual", "predicted"]);
        foreach (Airfoil row in rows)
            table.AddRow([.. row.Features().Select(x => Output.Number(x, "0.#####")),
                Output.Number(row.SoundLevel, "0.0"), Output.Number(engine.Predict(row).Score, "0.0")]);
        AnsiConsole.Write(table);
    }
}
