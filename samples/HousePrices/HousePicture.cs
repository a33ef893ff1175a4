using ScottPlot;
using ScottPlot.Plottables;

namespace MlNetRms.Samples;

/// <summary>Ranges and prices on the left, what makes a price on the right.</summary>
internal static class HousePicture
{
    private const int ShownHouses = 80;

    public static void Save(string path, PriceRange range, Coefficient[] coefficients) =>
        Pictures.Save(path, Ranges(range), Coefficients(coefficients));

    private static Plot Ranges(PriceRange range)
    {
        var plot = new Plot();
        int step = Math.Max(1, range.Houses.Length / ShownHouses);
        PricedHouse[] houses = [.. range.Houses.Where((_, i) => i % step == 0)];
        for (int i = 0; i < houses.Length; i++)
        {
            LinePlot line = plot.Add.Line(i, houses[i].Low, i, houses[i].High);
            line.LineColor = Pictures.Blue.WithOpacity(0.35);
            line.LineWidth = 3;
            line.LegendText = i == 0 ? "5 % to 95 %" : "";
        }
        double[] numbers = [.. Enumerable.Range(0, houses.Length).Select(i => (double)i)];
        Scatter medians = plot.Add.ScatterLine(numbers, [.. houses.Select(house => (double)house.Median)], Pictures.Blue);
        medians.LineWidth = 1.5f;
        medians.LegendText = "median";
        Scatter prices = plot.Add.ScatterPoints(numbers, [.. houses.Select(house => (double)house.Price)], Pictures.Orange);
        prices.MarkerSize = 5;
        prices.LegendText = "sold for";
        Pictures.Label(plot, "A range for each house", $"{houses.Length} test houses, cheapest first", "thousand euros");
        plot.Axes.SetLimits(-1, houses.Length, 0, 1.05 * houses.Max(house => Math.Max(house.High, house.Price)));
        plot.ShowLegend(Alignment.UpperLeft);
        return plot;
    }

    private static Plot Coefficients(Coefficient[] coefficients)
    {
        var plot = new Plot();
        for (int i = 0; i < coefficients.Length; i++)
        {
            double size = coefficients[i].WeightPerStandardDeviation ?? 0;
            double error = Math.Abs(size / (coefficients[i].TValue ?? 1));
            int place = coefficients.Length - 1 - i;
            BarPlot bar = plot.Add.Bar(position: place, value: size, error: 2 * error);
            bar.Horizontal = true;
            bar.Color = Pictures.Blue.WithOpacity(0.7);
        }
        Pictures.Label(plot, "What makes a price (± 2 std. errors)", "thousand euros per standard deviation", "");
        var names = new ScottPlot.TickGenerators.NumericManual();
        for (int i = 0; i < coefficients.Length; i++)
            names.AddMajor(coefficients.Length - 1 - i, Shortened(coefficients[i].Name));
        plot.Axes.Left.TickGenerator = names;
        plot.Axes.Left.MajorTickStyle.Length = 0;
        plot.Axes.Margins(bottom: 0.02, top: 0.02);
        return plot;
    }

    /// <summary>"District.Old Town" is "Old Town".</summary>
    private static string Shortened(string name) => name[(name.LastIndexOf('.') + 1)..].Replace('|', ' ');
}
