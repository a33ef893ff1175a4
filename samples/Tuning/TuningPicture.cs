using ScottPlot;
using ScottPlot.Plottables;

namespace MlNetRms.Samples;

/// <summary>Two maps of learning rate and batch size, in the same colours.</summary>
internal static class TuningPicture
{
    /// <summary>Ends of the colour scale, as powers of ten of a percentage: 0.01 % and 100 %.</summary>
    private const double PalestPower = -2, DarkestPower = 2;

    private static readonly Color _pale = Color.FromHex("#f1f6fb"), _dark = Color.FromHex("#0a2a4a");

    /// <summary>Draws the maps.</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="learningRates">One a column.</param>
    /// <param name="batchSizes">One a row, the first at the bottom.</param>
    /// <param name="standard">What all scores are compared with.</param>
    /// <param name="left">Title and scores of the left map, row by row.</param>
    /// <param name="right">Title and scores of the right map, row by row.</param>
    public static void Save(string path, float[] learningRates, int[] batchSizes, Score standard,
        (string Title, Score[] Scores) left, (string Title, Score[] Scores) right)
    {
        var picture = new Multiplot();
        picture.AddPlots(2);
        // Cells of 15 pixels, dealt out so that both maps are equally large beside the colour bar.
        var layout = new ScottPlot.MultiplotLayouts.CustomGrid();
        layout.Set(picture.GetPlot(0), new GridCell(0, 0, 1, 60, 1, 26));
        layout.Set(picture.GetPlot(1), new GridCell(0, 26, 1, 60, 1, 34));
        picture.Layout = layout;
        Draw(picture.GetPlot(0), left.Title, "batch size", learningRates, batchSizes, standard, left.Scores);
        Heatmap map = Draw(picture.GetPlot(1), right.Title, "", learningRates, batchSizes, standard, right.Scores);
        AddColorBar(picture.GetPlot(1), map);
        picture.GetPlot(0).Layout.Fixed(new PixelPadding(left: 62, right: 8, bottom: 94, top: 40));
        picture.GetPlot(1).Layout.Fixed(new PixelPadding(left: 62, right: 128, bottom: 94, top: 40));
        picture.SavePng(path, Pictures.DoubleWidth, Pictures.Height);
    }

    private static Heatmap Draw(Plot plot, string title, string rowLabel, float[] learningRates, int[] batchSizes,
        Score standard, Score[] scores)
    {
        var powers = new double[batchSizes.Length, learningRates.Length];
        for (int cell = 0; cell < scores.Length; cell++)
        {
            (int row, int column) = Math.DivRem(cell, learningRates.Length);
            double percent = scores[cell].PercentAbove(standard);
            double power = Math.Clamp(Math.Log10(Math.Max(percent, 0)), PalestPower, DarkestPower);
            // The first row of a heat map is at the top.
            powers[batchSizes.Length - 1 - row, column] = power;
            Text text = plot.Add.Text(Shorten(percent), column, row);
            text.LabelAlignment = Alignment.MiddleCenter;
            text.LabelFontName = Pictures.Font;
            text.LabelFontSize = 12;
            text.LabelFontColor = power > -0.5 ? Colors.White : Colors.Black;
        }
        Heatmap map = plot.Add.Heatmap(powers);
        map.Colormap = new ScottPlot.Colormaps.CustomInterpolated([_pale, Pictures.Blue, _dark]);
        map.ManualRange = new(PalestPower, DarkestPower);
        plot.MoveToBack(map);
        Outline(plot, Array.FindIndex(scores, score => score.Candidate.IsDefaultStep), learningRates.Length, 0.42, Colors.Black, "default");
        Outline(plot, Array.IndexOf(scores, Tuning.Best(scores)), learningRates.Length, 0.48, Pictures.Orange, "best");

        Pictures.Label(plot, title, "learning rate", rowLabel);
        plot.Axes.Right.MinimumSize = 0;
        plot.Axes.Bottom.TickGenerator = Ticks([.. learningRates.Select(rate => Output.Number(rate, "g2"))]);
        plot.Axes.Left.TickGenerator = Ticks([.. batchSizes.Select(size => Output.Number(size, "0"))]);
        plot.Axes.SetLimits(-0.5, learningRates.Length - 0.5, -0.5, batchSizes.Length - 0.5);
        plot.HideGrid();
        plot.ShowLegend(Edge.Bottom);
        plot.Legend.Orientation = Orientation.Horizontal;
        return map;
    }

    private static void Outline(Plot plot, int cell, int columns, double half, Color color, string name)
    {
        (int row, int column) = Math.DivRem(cell, columns);
        Rectangle outline = plot.Add.Rectangle(column - half, column + half, row - half, row + half);
        outline.FillColor = Colors.Transparent;
        outline.LineColor = color;
        outline.LineWidth = 2.5f;
        outline.LegendText = name;
    }

    private static void AddColorBar(Plot plot, Heatmap map)
    {
        var bar = plot.Add.ColorBar(map, Edge.Right);
        bar.Width = 20;
        bar.Label = "RMSE above the default's";
        bar.LabelStyle.FontName = Pictures.Font;
        bar.LabelStyle.FontSize = 13;
        bar.LabelStyle.Bold = false;
        var ticks = new ScottPlot.TickGenerators.NumericManual();
        for (double power = PalestPower; power <= DarkestPower; power++)
        {
            string beyond = power == PalestPower ? "≤ " : power == DarkestPower ? "≥ " : "";
            ticks.AddMajor(power, $"{beyond}{Output.Number(Math.Pow(10, power), "0.##")} %");
        }
        bar.Axis.TickGenerator = ticks;
        bar.Axis.TickLabelStyle.FontName = Pictures.Font;
        bar.Axis.TickLabelStyle.FontSize = 12;
    }

    private static ScottPlot.TickGenerators.NumericManual Ticks(string[] labels) =>
        new([.. Enumerable.Range(0, labels.Length).Select(position => (double)position)], labels);

    /// <summary>As many digits as fit into a cell. Adding zero takes the sign off a negative zero.</summary>
    private static string Shorten(double percent) => double.IsFinite(percent)
        ? Output.Number(Math.Round(percent, 2) + 0.0, Math.Abs(percent) switch { < 0.995 => "0.00", < 9.95 => "0.0", _ => "0" })
        : "–";
}
