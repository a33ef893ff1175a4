using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetRms;
using MlNetRms.Samples;
using Spectre.Console;

return CommandLine.Run(args, ["--data FILE", "--output DIR"], QuickStart.Run);

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
        string folder = Output.Folder(commandLine);
        Output.Line(Airfoil.Describe(commandLine["--data"], rows.Length));

        var ml = new MLContext(seed: 1);
        string? lastMessage = null;
        ml.Log += (_, message) =>
        {
            if (message.Kind == ChannelMessageKind.Info && message.Source.StartsWith(nameof(RmsPropRegressionTrainer), StringComparison.Ordinal))
                lastMessage = message.RawMessage;
        };
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(rows), testFraction: 0.2);

        TransformerChain<RmsPropRegressionTransformer> model = ProgressBar.Run(parts: 1, keep: true, progress =>
        {
            // The whole job: raw features in, a trained chain out. No normalizer, no settings; the bar only watches.
            var pipeline = ml.Transforms.Concatenate("Features", Airfoil.FeatureNames)
                .Append(ml.Regression.Trainers.RmsProp(new RmsPropRegressionTrainer.Options
                {
                    LabelColumnName = Airfoil.LabelName,
                    Progress = progress,
                }));
            return pipeline.Fit(split.TrainSet);
        });
        Output.Line($"log: {lastMessage}");

        Airfoil[] trainRows = [.. ml.Data.CreateEnumerable<Airfoil>(split.TrainSet, reuseRowObject: false)];
        LeastSquares optimum = LeastSquares.Fit(trainRows);
        PrintComparison(Comparison.Run(ml, split, optimum), trainRows.Length, rows.Length - trainRows.Length);
        PrintWeights(model.LastTransformer.GetCoefficients(), optimum);

        string modelPath = Path.Combine(folder, "quickstart.zip");
        ml.Model.Save(model, split.TrainSet.Schema, modelPath);
        Airfoil[] testRows = [.. ml.Data.CreateEnumerable<Airfoil>(split.TestSet, reuseRowObject: false)];
        PrintPredictions(ml, modelPath, testRows.Where((_, row) => row % (testRows.Length / RowsToPredict + 1) == 0));

        string picturePath = Path.Combine(folder, "quickstart.png");
        Prediction[] predictions = [.. ml.Data.CreateEnumerable<Prediction>(model.Transform(split.TestSet), reuseRowObject: false)];
        QuickStartPicture.Save(picturePath, model.LastTransformer.Training, optimum, predictions);
        Output.Line();
        Output.Wrote(modelPath);
        Output.Wrote(picturePath);
        return 0;
    }

    private static void PrintComparison(IReadOnlyList<Result> results, int trainCount, int testCount)
    {
        Output.Heading("Three trainers with their defaults");
        Table table = Output.NewTable(["trainer", "features"], ["RMSE", "R²", "MAE", "above opt.", "fit ms"]);
        foreach (Result result in results)
            table.AddRow([result.Trainer, result.Features, .. result.Failure is null ? Numbers(result) : ["failed¹", "", "", "", ""]]);
        AnsiConsole.Write(table);
        Output.Line($"RMSE and MAE in dB, and R²: on the {testCount} test rows. Above opt.: RMSE on the {trainCount} training rows, compared " +
            "with the smallest any linear function can have (least squares). Fit: the whole pipeline, second of two fits. " +
            "Scaled: with NormalizeMeanVariance, as ML.NET's own trainers ask for.");
        foreach (Result result in results.Where(result => result.Failure is not null))
            Output.Line($"¹ {result.Trainer}, {result.Features}: {result.Failure}");
    }

    private static string[] Numbers(Result result) =>
    [
        Output.Number(result.Rmse, result.Rmse < 1000 ? "0.000" : "0"),
        result.RSquared > -1000 ? Output.Number(result.RSquared, "0.0000") : "< -1000",
        Output.Number(result.Mae, result.Mae < 1000 ? "0.000" : "0"),
        Output.Number(result.PercentAboveOptimum, result.PercentAboveOptimum < 10 ? "0.0000" : "0") + " %",
        Output.Number(result.FitTime.TotalMilliseconds, "0.0"),
    ];

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
