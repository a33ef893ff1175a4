using ScottPlot;
using ScottPlot.Plottables;

namespace MlNetRms.Samples;

/// <summary>Two maps of learning rate and batch size, in the same colours.</summary>
internal static class TuningPicture
{
    /// <summary>Colours of up to 0.001 % above the best, 0.003 %, 0.01 %, …, 100 %.</summary>
    private static readonly Color[] _colors = Color.FromHex(
        ["#eeeeff", "#ddeeff", "#bbddff", "#99ccee", "#77aadd", "#5599cc", "#2277bb", "#116699", "#115588", "#113366", "#112244"]);

    private const double PalestPower = -3;

    /// <summary>From this colour on, text is white.</summary>
    private const int FirstDark = 5;

    /// <summary>Draws the maps.</summary>
    /// <param name="path">The file to write.</param>
    /// <param name="learningRates">One a column.</param>
    /// <param name="batchSizes">One a row, the first at the bottom.</param>
    /// <param name="maps">Title and scores of each map, row by row.</param>
    public static void Save(string path, float[] learningRates, int[] batchSizes, params (string Title, Score[] Scores)[] maps) =>
        Pictures.Save(path, [.. maps.Select(map => Draw(map.Title, learningRates, batchSizes, map.Scores))]);

    private static Plot Draw(string title, float[] learningRates, int[] batchSizes, Score[] scores)
    {
        var plot = new Plot();
        Score best = Tuning.Best(scores);
        for (int cell = 0; cell < scores.Length; cell++)
        {
            (int row, int column) = Math.DivRem(cell, learningRates.Length);
            double percent = scores[cell].PercentAbove(best);
            int color = (int)Math.Clamp(Math.Ceiling(2 * (Math.Log10(percent) - PalestPower)), 0, _colors.Length - 1);
            bool isDefault = scores[cell].Candidate == Candidate.Default;
            Rectangle square = plot.Add.Rectangle(column - 0.47, column + 0.47, row - 0.47, row + 0.47);
            square.FillColor = _colors[color];
            square.LineColor = scores[cell] == best ? Pictures.Orange : Colors.Black;
            square.LineWidth = scores[cell] == best || isDefault ? 2.5f : 0;
            Text text = plot.Add.Text(Shorten(percent) + (isDefault ? "\ndefault" : ""), column, row);
            text.LabelAlignment = Alignment.MiddleCenter;
            text.LabelFontName = Pictures.Font;
            text.LabelFontSize = 12;
            text.LabelFontColor = color >= FirstDark ? Colors.White : Colors.Black;
        }

        Pictures.Label(plot, $"{title}\nRMSE above the best ({Output.Number(best.Rmse, "0.0000")} dB), in %", "learning rate", "batch size");
        plot.Axes.Bottom.TickGenerator = Ticks([.. learningRates.Select(rate => Output.Number(rate, "g2"))]);
        plot.Axes.Left.TickGenerator = Ticks([.. batchSizes.Select(size => Output.Number(size, "0"))]);
        plot.Axes.SetLimits(-0.5, learningRates.Length - 0.5, -0.5, batchSizes.Length - 0.5);
        plot.HideGrid();
        return plot;
    }

    private static ScottPlot.TickGenerators.NumericManual Ticks(string[] labels) =>
        new([.. Enumerable.Range(0, labels.Length).Select(position => (double)position)], labels);

    /// <summary>Two digits that count, as far as they fit into a cell.</summary>
    private static string Shorten(double percent) => !double.IsFinite(percent) ? "–" : percent == 0 ? "best"
        : Output.Number(percent, percent switch { < 0.0095 => "0.0000", < 0.095 => "0.000", < 0.95 => "0.00", < 9.5 => "0.0", _ => "0" });
}
