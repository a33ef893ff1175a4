using ScottPlot;
using ScottPlot.Plottables;

namespace MlNetRms.Samples;

/// <summary>What epochs are good for on the left, what came of them on the right.</summary>
internal static class QuickStartPicture
{
    private static readonly int[] _lengths = [1, 2, 3, 5, 10, 20, 50, 100, 200];

    /// <summary>Percent; what is left below this is rounding of floats.</summary>
    private const double Smallest = 1e-4;

    /// <summary>Percent that nobody would miss.</summary>
    private const double Close = 0.01;

    public static void Save(string path, Comparison comparison, TrainingReport training, Prediction[] predictions)
    {
        int epochs = training.Epochs.Count;
        (Result RmsProp, Result Online)[] lengths = [.. _lengths.Where(length => length < epochs).Append(epochs).Select(comparison.Lengths)];
        Pictures.Save(path, Lengths(lengths, training), Predictions(predictions));
    }

    private static Plot Lengths((Result RmsProp, Result Online)[] lengths, TrainingReport training)
    {
        var plot = new Plot();
        int epochs = training.Epochs.Count;
        int enough = lengths.FirstOrDefault(length => length.RmsProp.PercentAboveOptimum < Close, lengths[^1]).RmsProp.Epochs!.Value;
        Draw(plot, [.. lengths.Select(length => length.RmsProp)], epochs, Pictures.Blue);
        Draw(plot, [.. lengths.Select(length => length.Online)], 1, Pictures.Orange);
        Note("default: 1 epoch", 1.15, Y(lengths[0].Online) + 0.22, Pictures.Orange);
        Note("OnlineGradientDescent", 12, Y(lengths.Last(length => length.Online.Epochs <= 10).Online) + 0.22, Pictures.Orange);
        Note("RmsProp", 15, 0.5, Pictures.Blue);
        Note($"default: {epochs} epochs,\nwhich are {training.TotalSteps} steps\nof {training.BatchSize} rows; {enough} come\nwithin {Close} % " +
            "here,\nother data need more",
            1.15, -2.6, Pictures.Blue);

        Pictures.Label(plot, $"Why {epochs} epochs?", "epochs (passes over the training rows)", "RMSE above least squares");
        double top = lengths.Max(length => Math.Max(Y(length.RmsProp), Y(length.Online))) + 0.5;
        plot.Axes.SetLimits(-0.05, Math.Log10(1.2 * epochs), Math.Log10(Smallest) - 0.15, top);
        plot.Axes.Bottom.TickGenerator = Pictures.LogarithmicTicks(1, epochs);
        ScottPlot.TickGenerators.NumericManual percents = Pictures.LogarithmicTicks(2 * Smallest, Math.Pow(10, top), " %");
        percents.AddMajor(Math.Log10(Smallest), FormattableString.Invariant($"≤ {Smallest} %"));
        plot.Axes.Left.TickGenerator = percents;
        return plot;

        void Note(string text, double epochs, double y, Color color) => Pictures.Note(plot, text, Math.Log10(epochs), y, color);
    }

    private static void Draw(Plot plot, Result[] results, int standard, Color color)
    {
        Result[] shown = [.. results.Where(result => result.Failure is null)];
        Scatter curve = plot.Add.Scatter(shown.Select(result => new Coordinates(Math.Log10(result.Epochs!.Value), Y(result))).ToArray(), color);
        curve.LineWidth = 2;
        curve.MarkerSize = 6;
        foreach (Result result in shown.Where(result => result.Epochs == standard))
            plot.Add.Marker(Math.Log10(standard), Y(result), MarkerShape.OpenCircle, 14, color);
    }

    private static double Y(Result result) => Math.Log10(Math.Max(result.PercentAboveOptimum, Smallest));

    private static Plot Predictions(Prediction[] predictions)
    {
        var plot = new Plot();
        double[] actual = [.. predictions.Select(prediction => (double)prediction.SoundLevel)];
        double[] predicted = [.. predictions.Select(prediction => (double)prediction.Score)];
        double smallest = Math.Min(actual.Min(), predicted.Min()) - 2;
        double largest = Math.Max(actual.Max(), predicted.Max()) + 2;
        Scatter points = plot.Add.ScatterPoints(actual, predicted, Pictures.Blue);
        points.MarkerSize = 4;
        LinePlot diagonal = plot.Add.Line(smallest, smallest, largest, largest);
        diagonal.LineColor = Pictures.Orange;
        diagonal.LineWidth = 1.5f;
        diagonal.LinePattern = LinePattern.Dashed;
        Pictures.Note(plot, "predicted = actual", smallest + 4, smallest + 2.5, Pictures.Orange);

        Pictures.Label(plot, $"RmsProp on the {predictions.Length} test rows", "actual sound level, dB", "predicted, dB");
        plot.Axes.SetLimits(smallest, largest, smallest, largest);
        return plot;
    }
}
