using ScottPlot;
using SkiaSharp;

namespace MlNetRms.Samples;

/// <summary>What the pictures of the samples have in common.</summary>
internal static class Pictures
{
    /// <summary>A font of our own: a bare container has none, and pictures would have no text.</summary>
    public const string Font = "DejaVu Subset";

    /// <summary>Sizes of a plot, in units of which the file has <see cref="PixelsPerUnit"/> each way.</summary>
    private const int Height = 400, SingleWidth = 600, SharedWidth = 450;

    /// <summary>Enough for screens that show a unit as two pixels.</summary>
    private const int PixelsPerUnit = 2;

    public static readonly Color Blue = Color.FromHex("#2277bb");
    public static readonly Color Orange = Color.FromHex("#dd6622");
    public static readonly Color Grey = Color.FromHex("#999999");

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
        plot.Axes.Bottom.MinorTickStyle.Length = plot.Axes.Left.MinorTickStyle.Length = 0;
        plot.Grid.MajorLineColor = Colors.Black.WithOpacity(0.08);
    }

    /// <summary>Words in a plot that begin at a place of its axes.</summary>
    public static void Note(Plot plot, string text, double x, double y, Color color)
    {
        ScottPlot.Plottables.Text note = plot.Add.Text(text, x, y);
        note.LabelAlignment = Alignment.MiddleLeft;
        note.LabelFontName = Font;
        note.LabelFontSize = 13;
        note.LabelFontColor = color;
    }

    /// <summary>Ticks for an axis that shows logarithms to base 10: 1, 2, 5, 10, … or closer where the range is short.</summary>
    public static ScottPlot.TickGenerators.NumericManual LogarithmicTicks(double smallest, double largest, string unit = "")
    {
        double[] mantissas = largest / smallest > 100 ? [1] : largest / smallest > 5 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
        var ticks = new ScottPlot.TickGenerators.NumericManual();
        for (int decade = (int)Math.Floor(Math.Log10(smallest)); decade <= Math.Log10(largest); decade++)
            foreach (double mantissa in mantissas)
                if (mantissa * Math.Pow(10, decade) is double value && value >= smallest && value <= largest)
                    ticks.AddMajor(Math.Log10(value), FormattableString.Invariant($"{(decimal)value:0.########}{unit}"));
        return ticks;
    }

    /// <summary>Writes plots side by side into a PNG file.</summary>
    public static void Save(string path, params Plot[] plots)
    {
        var picture = new Multiplot { Layout = new ScottPlot.MultiplotLayouts.Columns() };
        picture.Reset(plots[0]);
        foreach (Plot plot in plots[1..])
            picture.AddPlot(plot);
        int width = plots.Length == 1 ? SingleWidth : plots.Length * SharedWidth;
        using var bitmap = new SKBitmap(PixelsPerUnit * width, PixelsPerUnit * Height, isOpaque: true);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        canvas.Scale(PixelsPerUnit);
        picture.Render(canvas, new PixelRect(0, width, Height, 0));
        // Sixteen levels of each colour are enough for edges, and halve the file.
        foreach (ref byte level in bitmap.GetPixelSpan())
            level = (byte)((level + 8) / 17 * 17);
        using var pixels = new SKPixmap(bitmap.Info, bitmap.GetPixels());
        using FileStream file = File.Create(path);
        pixels.Encode(file, new SKPngEncoderOptions(SKPngEncoderFilterFlags.None, zLibLevel: 9));
    }
}
