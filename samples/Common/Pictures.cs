using ScottPlot;

namespace MlNetRms.Samples;

/// <summary>What the pictures of the samples have in common.</summary>
internal static class Pictures
{
    /// <summary>Height of every picture, in pixels; width of one with a single plot, and of one with two.</summary>
    public const int Height = 400, SingleWidth = 600, DoubleWidth = 900;

    /// <summary>A font of our own: a bare container has none, and pictures would have no text.</summary>
    public const string Font = "DejaVu Subset";

    public static readonly Color Blue = Color.FromHex("#1f6fb4");
    public static readonly Color Orange = Color.FromHex("#d9661f");
    public static readonly Color Grey = Color.FromHex("#9a9a9a");

    private static readonly Color _ink = Color.FromHex("#333333");

    static Pictures() => Fonts.AddFontFile(Font, Path.Combine(AppContext.BaseDirectory, "DejaVuSubset.ttf"));

    /// <summary>Gives a plot its title, labels and fonts.</summary>
    public static void Label(Plot plot, string title, string x, string y)
    {
        plot.Font.Set(Font);
        plot.Title(title, size: 16);
        plot.XLabel(x, size: 14);
        plot.YLabel(y, size: 14);
        plot.Axes.Title.Label.Bold = plot.Axes.Bottom.Label.Bold = plot.Axes.Left.Label.Bold = false;
        plot.Axes.Bottom.TickLabelStyle.FontSize = plot.Axes.Left.TickLabelStyle.FontSize = 13;
        plot.Legend.FontSize = 13;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.OutlineColor = Colors.Transparent;
        plot.Axes.Color(_ink);
        // No frame there, but room for the half of the last number that sticks out.
        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Axes.Right.MinimumSize = 24;
        plot.Grid.MajorLineColor = Colors.Black.WithOpacity(0.08);
    }

    /// <summary>Ticks for an axis that shows logarithms to base 10: 1, 2, 5, 10, … or closer where the range is short.</summary>
    public static ITickGenerator LogarithmicTicks(double smallest, double largest)
    {
        double[] mantissas = largest / smallest > 100 ? [1] : largest / smallest > 5 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
        var ticks = new ScottPlot.TickGenerators.NumericManual();
        for (int decade = (int)Math.Floor(Math.Log10(smallest)); decade <= Math.Log10(largest); decade++)
            foreach (double mantissa in mantissas)
                if (mantissa * Math.Pow(10, decade) is double value && value >= smallest && value <= largest)
                    ticks.AddMajor(Math.Log10(value), FormattableString.Invariant($"{value:g4}"));
        return ticks;
    }
}
