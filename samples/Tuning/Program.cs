using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetRms;
using MlNetRms.Samples;
using Spectre.Console;
using Options = MlNetRms.RmsPropRegressionTrainer.Options;

return CommandLine.Run(args, ["--data FILE", "--output DIR"], Tuning.Run);

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

    /// <summary>None, which a logarithmic range cannot hold, and the range.</summary>
    private static readonly float[] _penalties =
        [0, .. Ladder.Of(nameof(Options.L2Regularization), factor: 10).Select(penalty => (float)penalty)];

    public static int Run(CommandLine commandLine)
    {
        Output.Prepare();
        Airfoil[] rows = Airfoil.Load(commandLine["--data"]);
        string folder = Output.Folder(commandLine);
        Output.Line(Airfoil.Describe(commandLine["--data"], rows.Length));
        var ml = new MLContext(seed: 1);
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(ml.Data.LoadFromEnumerable(rows), testFraction: 0.2);
        Output.Line($"{CrossValidation.Folds}-fold cross-validation on four fifths of them. Ranges, as the options declare them by [Range]: " +
            $"{Ladder.Describe(nameof(Options.LearningRate))}, {Ladder.Describe(nameof(Options.BatchSize))}, " +
            $"{Ladder.Describe(nameof(Options.L2Regularization))}.");

        int cells = _learningRates.Length * _batchSizes.Length;
        int candidates = _penalties.Length + 2 * cells;
        (Score[] byPenalty, Score[] byDefault, Score[] inHaste) = ProgressBar.Run(candidates, keep: false, progress =>
        {
            var judge = new CrossValidation(split.TrainSet, progress);
            progress.Describe("L2");
            Candidate[] line = [.. _penalties.Select(penalty => Candidate.Default with { L2Regularization = penalty })];
            Score[] byPenalty = judge.Run(line, () => new());
            Candidate[] map = Map(Best(byPenalty).Candidate.L2Regularization);
            progress.Describe("learning rate × batch size");
            Score[] byDefault = judge.Run(map, () => new());
            progress.Describe("the same in haste");
            return (byPenalty, byDefault, judge.Run(map, InHaste));
        });
        Score standard = byPenalty.Single(score => score.Candidate == Candidate.Default);

        Output.Heading("1. L2, everything else default");
        Score bestPenalty = Best(byPenalty);
        Print(byPenalty.Select(score => (score == standard ? "default" : score == bestPenalty ? "best" : "", score)), standard);
        Output.Heading("2. Learning rate × batch size at that L2");
        Print(Extremes(byDefault), standard);
        Output.Heading($"3. The same in haste: {FewEpochs} epochs at a constant rate, no averaging");
        Print(Extremes(inHaste), standard);
        Output.Line("Why: the falling rate and the average of the last weights are what makes the choice hardly matter, so this takes them " +
            "away. Small steps then do not arrive, large ones never settle.");

        PrintConclusion(split, standard, Best([.. byPenalty, .. byDefault]));
        string picturePath = Path.Combine(folder, "tuning.png");
        TuningPicture.Save(picturePath, _learningRates, _batchSizes, standard,
            ($"All else default, L2 {Output.Number(bestPenalty.Candidate.L2Regularization, "0.######")}", byDefault),
            ($"{FewEpochs} epochs, constant rate, no averaging", inHaste));
        Output.Line();
        Output.Wrote(picturePath);
        return 0;
    }

    /// <summary>The smallest error; of equal ones the first, so that it does not depend on which was ready first.</summary>
    public static Score Best(IEnumerable<Score> scores) => scores.MinBy(score => score.Rmse)!;

    private static Candidate[] Map(float penalty) =>
        [.. _batchSizes.SelectMany(batchSize => _learningRates.Select(learningRate => new Candidate(learningRate, batchSize, penalty)))];

    private static Options InHaste() => new()
    {
        LearningRateSchedule = LearningRateSchedule.Constant,
        NumberOfEpochs = FewEpochs,
        AveragedFraction = 0,
    };

    /// <summary>The best ones, the one with the default rate and batch size, and the worst one.</summary>
    private static IEnumerable<(string, Score)> Extremes(Score[] scores)
    {
        Score[] sorted = [.. scores.OrderBy(score => score.Rmse)];
        Score standard = scores.Single(score => score.Candidate.IsDefaultStep);
        return sorted.Take(RowsOfATable).Select((score, rank) => (rank == 0 ? "best" : $"{rank + 1}.", score))
            .Append(($"default ({Array.IndexOf(sorted, standard) + 1}.)", standard))
            .Append(($"worst ({sorted.Length}.)", sorted[^1]));
    }

    private static void Print(IEnumerable<(string Name, Score Score)> scores, Score standard)
    {
        Table table = Output.NewTable([""], ["learning rate", "batch size", "L2", "RMSE", "over folds", "against default"]);
        foreach ((string name, Score score) in scores)
            table.AddRow([name, .. Numbers(score.Candidate), .. double.IsFinite(score.Rmse) ? Numbers(score, standard) : ["diverged", "", ""]]);
        AnsiConsole.Write(table);
    }

    private static string[] Numbers(Candidate candidate) =>
    [
        Output.Number(candidate.LearningRate, "g2"),
        Output.Number(candidate.BatchSize, "0"),
        Output.Number(candidate.L2Regularization, "0.######"),
    ];

    private static string[] Numbers(Score score, Score standard) =>
    [
        Output.Number(score.Rmse, "0.0000"),
        $"± {Output.Number(score.Deviation, "0.00")}",
        Percent(score.PercentAbove(standard)),
    ];

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
