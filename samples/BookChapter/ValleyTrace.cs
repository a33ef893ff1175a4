using System.Globalization;
using ScottPlot;

namespace MlNetRms.Samples;

/// <summary>
/// f(x₁, x₂) = 0.1·x₁² + 2·x₂², a valley twenty times steeper across than along. With plain gradient descent the steep
/// direction decides how large a step may be; RMSProp gives each direction a step of its own.
/// </summary>
internal static class ValleyTrace
{
    private const int Steps = 20;
    private const float LearningRate = 0.4f;

    public static void Run(string picturePath)
    {
        Output.Line("f(x1, x2) = 0.1 x1² + 2 x2² is steep in one direction and flat in the other. RMSProp divides each " +
            "direction's gradient by its own running size, so both come down at about the same speed.");
        IReadOnlyList<Coordinates> path = Descend();
        Output.Line(string.Create(CultureInfo.InvariantCulture, $"epoch {Steps}, x1 {SixPlaces(path[^1].X)}, x2 {SixPlaces(path[^1].Y)}"));
        Draw(path, picturePath);
        OutputFolder.Wrote(picturePath);
    }

    private static List<Coordinates> Descend()
    {
        float[] x = [-5, -2];
        var optimizer = new RmsProp(x.Length, Book.Alpha, Book.Epsilon, EpsilonPlacement.InsideSquareRoot);
        List<Coordinates> path = [new(x[0], x[1])];
        for (int step = 0; step < Steps; step++)
        {
            // ∂f/∂x₁ = 0.2·x₁, ∂f/∂x₂ = 4·x₂
            optimizer.Step(x, [0.2f * x[0], 4 * x[1]], LearningRate);
            path.Add(new(x[0], x[1]));
        }
        return path;
    }

    /// <summary>Adding zero turns the −0 that rounding can leave into 0.</summary>
    private static string SixPlaces(double value) => (Math.Round(value, 6) + 0.0).ToString("0.000000", CultureInfo.InvariantCulture);

    private static void Draw(IReadOnlyList<Coordinates> path, string picturePath)
    {
        var plot = new Plot();
        // f = c is an ellipse with half-axes √(c/0.1) and √(c/2).
        foreach (double level in new[] { 0.1, 0.5, 1, 2, 4, 7, 11 })
        {
            var contour = plot.Add.Ellipse(0, 0, Math.Sqrt(level / 0.1), Math.Sqrt(level / 2));
            contour.LineColor = Pictures.Grey;
            contour.FillColor = Colors.Transparent;
            var label = plot.Add.Text(level.ToString(CultureInfo.InvariantCulture), 0, -Math.Sqrt(level / 2));
            label.LabelFontName = Pictures.Font;
            label.LabelFontColor = Pictures.Grey;
            label.LabelBackgroundColor = Colors.White;
            label.LabelAlignment = Alignment.MiddleCenter;
        }
        var trace = plot.Add.Scatter(path.ToArray(), Pictures.Orange);
        trace.LineWidth = 1.5f;
        trace.MarkerSize = 7;
        trace.LegendText = FormattableString.Invariant($"{Steps} steps, learning rate {LearningRate}, Alpha {Book.Alpha}");

        Pictures.Label(plot, "f = 0.1·x₁² + 2·x₂²", "x₁", "x₂");
        plot.Axes.SetLimits(-6, 2, -3, 1.5);
        plot.ShowLegend(Alignment.LowerLeft);
        Pictures.Save(picturePath, plot);
    }
}
