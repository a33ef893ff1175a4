using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms;
using MlNetRms.Samples;
using Spectre.Console;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

const string Help = """
    Searches L2, learning rate and batch size by cross-validation, and shows whether
    it pays.

    usage: dotnet run --project samples/Tuning [-- options]

      --data FILE     the real airfoil file: six numbers a line, tabs, label last
                      (default: made-up rows, embedded)
      --output DIR    where the picture tuning.png goes
                      (default: samples/Tuning/output)
      --help          this text
    """;
return CommandLine.Run(args, Help, Tuning.Run);

/// <summary>Searches learning rate, batch size and L2 by cross-validation, with the other options at their defaults and without.</summary>
internal static class Tuning
{
    /// <summary>Epochs of the training that has little time.</summary>
    private const int FewEpochs = 20;

    private const int RowsOfATable = 3;

    private static readonly float[] _learningRates =
        Array.ConvertAll(Ladder.Of(nameof(Options.LearningRate), factor: 3), rate => (float)rate);

    private static readonly int[] _batchSizes =
        Array.ConvertAll(Ladder.Of(nameof(Options.BatchSize), factor: 2), size => (int)Math.Round(size));

    /// <summary>The default, and the range.</summary>
    private static readonly float?[] _penalties =
        [Candidate.Default.L2Regularization, .. Ladder.Of(nameof(Options.L2Regularization), factor: 10).Select(penalty => (float?)penalty)];

    public static int Run(CommandLine commandLine)
    {
        Output.Prepare();
        Airfoil[] rows = Airfoil.Load(commandLine["--data"]);
        string folder = OutputFolder.Made(commandLine["--output"]);
        Output.Line(Airfoil.Describe(commandLine["--data"], rows.Length));
        var ml = new MLContext(seed: 1);
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(rows), testFraction: 0.2);
        Output.Line($"{CrossValidation.Folds}-fold cross-validation on four fifths of them. The ranges are those that the options declare by " +
            $"[Range]: {Ladder.Describe(nameof(Options.LearningRate))}, {Ladder.Describe(nameof(Options.BatchSize))}, " +
            $"{Ladder.Describe(nameof(Options.L2Regularization))}.");

        Candidate[] line = [.. _penalties.Select(penalty => Candidate.Default with { L2Regularization = penalty })];
        Candidate[] map = [.. _batchSizes.SelectMany(size =>
            _learningRates.Select(rate => Candidate.Default with { BatchSize = size, LearningRate = rate }))];
        (Score[] byPenalty, Score[] byDefault, Score[] inHaste) = ProgressBar.Run(line.Length + 2 * map.Length, progress =>
        {
            var judge = new CrossValidation(split.TrainSet, progress);
            return (judge.Run("L2", line, () => new()), judge.Run("learning rate × batch size", map, () => new()),
                judge.Run("the same in haste", map, InHaste));
        });
        Score standard = byPenalty.Single(score => score.Candidate == Candidate.Default);

        Output.Heading("1. L2, everything else default");
        Table table = Output.NewTable(["L2"], ["RMSE", "over folds", "vs default"]);
        foreach (Score score in byPenalty)
            table.AddRow([Output.Marked(Name(score.Candidate.L2Regularization), score == Best(byPenalty)), .. Numbers(score, standard)]);
        AnsiConsole.Write(table);
        Output.Heading("2. Learning rate and batch size, everything else default");
        PrintExtremes(byDefault, standard, "default");
        Output.Heading($"3. The same in haste: {FewEpochs} epochs at a constant rate, no averaging");
        PrintExtremes(inHaste, standard, "not tuned");
        Output.Line("Why: the falling rate and the average of the last weights are what makes the choice hardly matter, so this takes them " +
            "away. Small steps then do not arrive, large ones never settle.");

        PrintConclusion(split, standard, Best([.. byPenalty, .. byDefault]));
        string picturePath = Path.Combine(folder, "tuning.png");
        TuningPicture.Save(picturePath, _learningRates, _batchSizes,
            ("All else default", byDefault), ($"{FewEpochs} epochs, constant rate, no averaging", inHaste));
        Output.Line();
        OutputFolder.Wrote(picturePath);
        return 0;
    }

    /// <summary>The smallest error; of equal ones the first, so that it does not depend on which was ready first.</summary>
    public static Score Best(IEnumerable<Score> scores) => scores.MinBy(score => score.Rmse)!;

    private static Options InHaste() => new()
    {
        LearningRateSchedule = LearningRateSchedule.Constant,
        NumberOfEpochs = FewEpochs,
        AveragedFraction = 0,
    };

    /// <summary>The best ones, the one with the default rate and batch size, and the worst one.</summary>
    private static void PrintExtremes(Score[] scores, Score standard, string nameOfDefault)
    {
        Score[] sorted = [.. scores.OrderBy(score => score.Rmse)];
        Score ofDefault = scores.Single(score => score.Candidate == Candidate.Default);
        Table table = Output.NewTable([""], ["learning rate", "batch size", "RMSE", "over folds", "vs default"]);
        foreach (Score score in sorted.Take(RowsOfATable).Append(ofDefault).Append(sorted[^1]).Distinct())
        {
            string name = score == ofDefault ? nameOfDefault : score == sorted[^1] ? "worst" : score == sorted[0] ? "best" : "";
            table.AddRow([Output.Marked($"{Array.IndexOf(sorted, score) + 1,2}. {name}", score == sorted[0], !double.IsFinite(score.Rmse)),
                Output.Number(score.Candidate.LearningRate, "g2"), Output.Number(score.Candidate.BatchSize, "0"), .. Numbers(score, standard)]);
        }
        AnsiConsole.Write(table);
    }

    private static string Name(float? penalty) => penalty is { } given ? Output.Number(given, "0.######") : "default, none";

    private static string[] Numbers(Score score, Score standard) => double.IsFinite(score.Rmse)
        ? [Output.Number(score.Rmse, "0.0000"), $"± {Output.Number(score.Deviation, "0.00")}", Percent(score.PercentAbove(standard))]
        : ["diverged", "", ""];

    private static void PrintConclusion(DataOperationsCatalog.TrainTestData split, Score standard, Score best)
    {
        Output.Heading("Does it pay?");
        string spread = Output.Number(100 * standard.Deviation / standard.Rmse, "0.0");
        Output.Line($"Best found against default, in cross-validation: {Percent(best.PercentAbove(standard))} of the RMSE, " +
            $"which itself varies by {spread} % from fold to fold. On the fifth of the rows kept aside: " +
            $"{Output.Number(RmseKeptAside(split, standard.Candidate), "0.0000")} dB by default, " +
            $"{Output.Number(RmseKeptAside(split, best.Candidate), "0.0000")} dB by the best found.");
    }

    private static double RmseKeptAside(DataOperationsCatalog.TrainTestData split, Candidate candidate)
    {
        var ml = new MLContext(seed: 1);
        ITransformer model = CrossValidation.Pipeline(ml, candidate, new()).Fit(split.TrainSet);
        return ml.Regression.Evaluate(model.Transform(split.TestSet), Airfoil.LabelName).RootMeanSquaredError;
    }

    private static string Percent(double value) => Output.Number(Math.Round(value, 3), "+0.000;-0.000;0.000") + " %";
}
