using ScottPlot;
using ScottPlot.Plottables;

namespace MlNetRms.Samples;

/// <summary>The course of the training on the left, what came of it on the right.</summary>
internal static class QuickStartPicture
{
    public static void Save(string path, TrainingReport training, LeastSquares optimum, Prediction[] predictions)
    {
        var picture = new Multiplot { Layout = new ScottPlot.MultiplotLayouts.Columns() };
        picture.AddPlots(2);
        DrawLoss(picture.GetPlot(0), training, 0.5 * optimum.Rmse * optimum.Rmse);
        DrawPredictions(picture.GetPlot(1), predictions);
        picture.SavePng(path, Pictures.DoubleWidth, Pictures.Height);
    }

    private static void DrawLoss(Plot plot, TrainingReport training, double smallestLoss)
    {
        double[] epochs = [.. training.Epochs.Select(epoch => Math.Log10(epoch.Epoch))];
        double[] losses = [.. training.Epochs.Select(epoch => Math.Log10(epoch.Loss))];
        Scatter loss = plot.Add.ScatterLine(epochs, losses, Pictures.Blue);
        loss.LineWidth = 2;
        loss.LegendText = "RmsProp";
        HorizontalLine optimum = plot.Add.HorizontalLine(Math.Log10(smallestLoss), 1.5f, Pictures.Orange, LinePattern.Dashed);
        optimum.LegendText = "least-squares optimum";

        Pictures.Label(plot, "Training", "epoch", "loss, ½ · dB²");
        double largestLoss = training.Epochs.Max(epoch => epoch.Loss);
        plot.Axes.SetLimits(0, epochs[^1], Math.Log10(0.93 * smallestLoss), Math.Log10(1.08 * largestLoss));
        plot.Axes.Bottom.TickGenerator = Pictures.LogarithmicTicks(1, training.Epochs.Count);
        plot.Axes.Left.TickGenerator = Pictures.LogarithmicTicks(0.93 * smallestLoss, 1.08 * largestLoss);
        plot.ShowLegend(Alignment.UpperRight);
    }

    private static void DrawPredictions(Plot plot, Prediction[] predictions)
    {
        double[] actual = [.. predictions.Select(prediction => (double)prediction.SoundLevel)];
        double[] predicted = [.. predictions.Select(prediction => (double)prediction.Score)];
        double smallest = Math.Min(actual.Min(), predicted.Min()) - 2;
        double largest = Math.Max(actual.Max(), predicted.Max()) + 2;
        Scatter points = plot.Add.ScatterPoints(actual, predicted, Pictures.Blue);
        points.MarkerSize = 4;
        points.LegendText = $"{predictions.Length} test rows";
        LinePlot diagonal = plot.Add.Line(smallest, smallest, largest, largest);
        diagonal.LineColor = Pictures.Orange;
        diagonal.LineWidth = 1.5f;
        diagonal.LinePattern = LinePattern.Dashed;
        diagonal.LegendText = "predicted = actual";

        Pictures.Label(plot, "Rows it has not seen", "actual sound level, dB", "predicted, dB");
        plot.Axes.SetLimits(smallest, largest, smallest, largest);
        plot.ShowLegend(Alignment.UpperLeft);
    }
}
