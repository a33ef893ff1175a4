using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Trainers;
using MlNetRms.Settings;
using ScottPlot;

namespace MlNetRms.Benchmarks;

/// <summary>
/// How much the training RMSE exceeds least squares after a given number of passes over the data, on real sets. Each figure is a
/// separate training with that number of epochs, because RmsProp's schedule depends on it.
/// </summary>
internal static class EpochsVerb
{
    /// <summary>A smaller excess is rounding of float weights and scores.</summary>
    private const double LeastExcessPercent = 1e-4;

    private static readonly int[] _epochs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    private static readonly int[] _quickEpochs = [1, 10, 100];
    private static readonly int[] _steps = [100, 300, 1000, 3000, 10_000, 30_000];

    private static readonly Contender[] _contenders =
    [
        new("RmsProp", "#1F77B4", NormalizesFirst: false, (context, epochs, view) => context.Regression.Trainers
            .RmsProp(new RmsPropRegressionTrainer.Options { NumberOfEpochs = epochs, Seed = 0 }).Fit(view)),
        // Its convergence rule would stop it earlier.
        new("Sdca", "#E07B00", NormalizesFirst: true, (context, epochs, view) => context.Regression.Trainers.Sdca(epochs is { } count
            ? new SdcaRegressionTrainer.Options { MaximumNumberOfIterations = count, ConvergenceTolerance = 1e-7f }
            : new()).Fit(view)),
        new("OnlineGradientDescent", "#7A7A7A", NormalizesFirst: true, (context, epochs, view) =>
            context.Regression.Trainers.OnlineGradientDescent(numberOfIterations: epochs ?? 1).Fit(view)),
    ];

    public static void Run(Arguments arguments)
    {
        (string Name, string Path)[] all = [.. DataSets.All];
        if (all.Length == 0)
            throw new UsageException($"epochs {DataSets.Missing}.");
        Report.Header(typeof(SdcaRegressionTrainer), typeof(Plot), typeof(MathNet.Numerics.LinearAlgebra.Matrix<>));
        int[] budgets = arguments.Quick ? _quickEpochs : _epochs;
        Curves[] sets = [.. arguments.Select(all, set => set.Name).Select(set => Measure(set.Name, FileRows.Load(set.Path), budgets))];

        Console.WriteLine("Training RMSE above least squares in %, median (and worst) of the sets, by epochs:");
        Console.WriteLine();
        Report.Table(["trainer", .. budgets.Select(budget => Report.Invariant($"{budget}"))],
            [.. _contenders.Select((contender, i) => (string[])
                [contender.Name, .. budgets.Select((_, budget) => MedianAndWorst(sets.Select(set => set.ExcessPercent[i][budget])))])]);
        Console.WriteLine("The same for RmsProp by steps, rounded up to whole epochs (its own choice is 2000):");
        Console.WriteLine();
        Report.Table(["trainer", .. _steps.Select(steps => Report.Invariant($"{steps}"))],
            [["RmsProp", .. _steps.Select((_, budget) => MedianAndWorst(sets.Select(set => set.ExcessPercentBySteps[budget])))]]);
        Console.WriteLine("The same with each trainer's default number of epochs:");
        Console.WriteLine();
        Report.Table(["set", "rows × features", .. _contenders.Select(contender => contender.Name)],
            [.. sets.Select(set => (string[])[set.Name, set.Size, .. set.DefaultExcessPercent.Select(Percent)])]);
        Console.WriteLine($"""
            Sdca and OnlineGradientDescent get features from NormalizeMeanVariance, RmsProp gets raw features. Least squares: standardised columns,
            without singular values below 1e-7 of the largest. Values below {LeastExcessPercent} % count as {LeastExcessPercent} %.
            """);
        Directory.CreateDirectory(arguments.Output);
        string picture = Path.Combine(arguments.Output, "epochs.png");
        Draw(sets, budgets).SavePng(picture, 800, 480);
        Console.WriteLine($"Written: {picture}");
    }

    private static Curves Measure(string name, FileRows rows, int[] budgets)
    {
        var context = new MLContext(seed: 1);
        IDataView raw = new RowView(rows).Cached(context);
        IDataView normalized = context.Data.Cache(context.Transforms.NormalizeMeanVariance("Features", fixZero: false).Fit(raw).Transform(raw));
        double least = LeastSquares.BySingularValues(rows).RmseOn(rows);
        PlanSettings settings = new RmsPropRegressionTrainer.Options().ToSettings().Plan;
        int stepsPerEpoch = Decisions.Plan(rows.Count, settings, fewestSteps: 1, fewestEpochs: 1).StepsPerEpoch;
        return new Curves(name, $"{rows.Count} × {rows.FeatureCount}",
            [.. _contenders.Select(contender => budgets.Select(budget => Excess(contender, budget)).ToArray())],
            [.. _steps.Select(steps => Excess(_contenders[0], (steps + stepsPerEpoch - 1) / stepsPerEpoch))],
            [.. _contenders.Select(contender => Excess(contender, epochs: null))]);

        double Excess(Contender contender, int? epochs)
        {
            IDataView view = contender.NormalizesFirst ? normalized : raw;
            double rmse = context.Regression.Evaluate(contender.Fit(context, epochs, view).Transform(view)).RootMeanSquaredError;
            return double.IsFinite(rmse) ? Math.Max(100 * (rmse / least - 1), LeastExcessPercent) : double.PositiveInfinity;
        }
    }

    private static string MedianAndWorst(IEnumerable<double> percents)
    {
        double[] all = [.. percents];
        return $"{Percent(Statistics.Median(all))} ({Percent(all.Max())})";
    }

    private static string Percent(double value) => value switch
    {
        double.PositiveInfinity => "diverged",
        <= LeastExcessPercent => "0.0001",
        >= 1e4 => value.ToString("0.#e0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("F0", CultureInfo.InvariantCulture),
        _ => value.ToString("G2", CultureInfo.InvariantCulture),
    };

    /// <summary>Both axes logarithmic: a thick line for the median of the sets, a dashed one for the worst.</summary>
    private static Plot Draw(Curves[] sets, int[] budgets)
    {
        const double TopPercent = 1e3;
        double[] x = [.. budgets.Select(budget => Math.Log10(budget))];
        var plot = new Plot();
        plot.Axes.SetLimits(x[0] - 0.05, x[^1] + 0.05, Math.Log10(LeastExcessPercent) - 0.15, Math.Log10(TopPercent));
        for (int i = 0; i < _contenders.Length; i++)
        {
            Color color = Color.FromHex(_contenders[i].Color);
            double[][] bySet = [.. budgets.Select((_, budget) => sets.Select(set => set.ExcessPercent[i][budget]).ToArray())];
            ScottPlot.Plottables.Scatter worst = plot.Add.ScatterLine(x, Heights(bySet.Select(percents => percents.Max())), color);
            worst.LinePattern = LinePattern.Dashed;
            worst.LineWidth = 1;
            ScottPlot.Plottables.Scatter median = plot.Add.Scatter(x, Heights(bySet.Select(Statistics.Median)), color);
            median.LineWidth = 3;
            median.MarkerSize = 7;
            median.LegendText = _contenders[i].Name;
        }
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(x, [.. budgets.Select(budget => Report.Invariant($"{budget}"))]);
        int[] decades = [.. Enumerable.Range((int)Math.Log10(LeastExcessPercent), (int)Math.Log10(TopPercent / LeastExcessPercent) + 1)];
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [.. decades.Select(decade => (double)decade)],
            [.. decades.Select(decade => decade == decades[0] ? "≤ 0.0001 %" : Report.Invariant($"{(decimal)Math.Pow(10, decade)} %"))]);
        plot.Title(Report.Invariant($"Training RMSE above least squares: median of {sets.Length} data sets (dashed: the worst)"), size: 15);
        plot.XLabel("epochs (passes over the data)");
        plot.Axes.Bottom.Label.Bold = false;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.OutlineColor = Colors.LightGray;
        plot.ShowLegend(Alignment.UpperRight);
        return plot;

        static double[] Heights(IEnumerable<double> percents) => [.. percents.Select(percent => Math.Log10(Math.Min(percent, 10 * TopPercent)))];
    }

    /// <param name="Name">Name in the table and the legend.</param>
    /// <param name="Color">Its color in the picture.</param>
    /// <param name="NormalizesFirst">Whether it gets normalised features.</param>
    /// <param name="Fit">Trains for a number of epochs; null for the trainer's default.</param>
    private sealed record Contender(string Name, string Color, bool NormalizesFirst, Func<MLContext, int?, IDataView, ITransformer> Fit);

    /// <param name="Name">Name of the data set.</param>
    /// <param name="Size">Rows × features.</param>
    /// <param name="ExcessPercent">By contender and number of epochs.</param>
    /// <param name="ExcessPercentBySteps">Of RmsProp, by number of steps.</param>
    /// <param name="DefaultExcessPercent">By contender, with default options.</param>
    private sealed record Curves(string Name, string Size, double[][] ExcessPercent, double[] ExcessPercentBySteps, double[] DefaultExcessPercent);
}
