using ScottPlot;

namespace MlNetRms.Samples;

/// <summary>Loss against epoch, the same frame for both trainings.</summary>
internal static class LossPicture
{
    /// <summary>A frame that fits this curve, with the curve in it.</summary>
    public static Plot Of(string title, IReadOnlyList<LossPoint> points, Color color, string name)
    {
        var plot = new Plot();
        Pictures.Label(plot, title, "epoch", "loss, mean of ½·(ŷ − y)²");
        plot.Axes.SetLimits(0, Book.Epochs + 0.05, 0.9 * points.Min(point => point.Loss), 1.05 * points.Max(point => point.Loss));
        var curve = plot.Add.Scatter(points.Select(point => new Coordinates(point.Epoch, point.Loss)).ToArray(), color);
        curve.LineWidth = 2;
        curve.MarkerSize = 4;
        curve.LegendText = name;
        return plot;
    }
}
