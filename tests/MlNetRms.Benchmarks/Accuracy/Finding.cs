using System.Globalization;

namespace MlNetRms.Benchmarks.Accuracy;

/// <summary>One line of the table.</summary>
/// <param name="Case">The examples and the options.</param>
/// <param name="Measured">What the figures measure, with the unit.</param>
/// <param name="Figures">The figures of the trainers.</param>
/// <param name="Goal">Goal for RmsProp's figure.</param>
internal sealed record Finding(string Case, string Measured, Figures Figures, Goal Goal)
{
    public static readonly string[] Columns = ["case", "measured", "RmsProp", "reported", "warned", "Sdca", "OGD", "reach", "aim", "verdict"];

    /// <summary>What training said about it; null if the line is not about that.</summary>
    public Told? Told { get; init; }

    public bool IsReached => Goal.IsReachedBy(Figures.RmsProp);

    private string Verdict => (IsReached, Told) switch
    {
        (true, _) => "ok",
        (false, { IsSilent: false }) => "warned",
        _ => "MISSED",
    };

    public string[] Cells =>
    [
        Case, Measured, Cell(Figures.RmsProp), Cell(Told?.Reported), Told is null ? "—" : $"{Told.Warned} of {Told.Draws}", Cell(Figures.Sdca),
        Cell(Figures.OnlineGradientDescent), Goal.Cell(Goal.Reach), Goal.Cell(Goal.Aim), Verdict,
    ];

    private static string Cell(double? value) => value switch
    {
        null => "—",
        { } number when !double.IsFinite(number) => "failed",
        { } number when Math.Abs(number) >= 1e5 => number.ToString("0.#e0", CultureInfo.InvariantCulture),
        { } number when Math.Abs(number) < 1e-6 => "0",
        { } number when number == Math.Round(number) => number.ToString(CultureInfo.InvariantCulture),
        { } number => Report.Number(number),
    };
}

/// <summary>What training said about its own result.</summary>
/// <param name="Reported">The report's figure for what was measured, in the same unit; null if it has none.</param>
/// <param name="Warned">Number of draws with a warning.</param>
/// <param name="Draws">Number of draws.</param>
/// <param name="IsSilent">Whether a draw that misses the goal has no warning.</param>
internal sealed record Told(double? Reported, int Warned, int Draws, bool IsSilent);

/// <summary>One figure per trainer; NaN if it failed, null if it was not run.</summary>
internal readonly record struct Figures(double RmsProp, double? Sdca = null, double? OnlineGradientDescent = null)
{
    /// <summary>Each trainer's largest figure.</summary>
    public static Figures Largest(IEnumerable<Figures> draws) => Summarize(draws, values => values.Any(double.IsNaN) ? double.NaN : values.Max());

    /// <summary>Each trainer's smallest figure.</summary>
    public static Figures Smallest(IEnumerable<Figures> draws) => Summarize(draws, values => values.Any(double.IsNaN) ? double.NaN : values.Min());

    /// <summary>Summarises the figures of each trainer.</summary>
    public static Figures Summarize(IEnumerable<Figures> draws, Func<double[], double> summary)
    {
        Figures[] all = [.. draws];
        return new Figures(Of(figures => figures.RmsProp)!.Value, Of(figures => figures.Sdca), Of(figures => figures.OnlineGradientDescent));

        double? Of(Func<Figures, double?> figure) =>
            all.Any(figures => figure(figures) is null) ? null : summary([.. all.Select(figures => figure(figures)!.Value)]);
    }
}

/// <summary>The limit and the stretch goal of a figure.</summary>
/// <param name="Sign">"≤ " if smaller is better, "≥ " if larger is better.</param>
/// <param name="Reach">The required limit.</param>
/// <param name="Aim">The stretch goal; null if there is none.</param>
internal sealed record Goal(string Sign, double Reach, double? Aim)
{
    private const string Most = "≤ ";

    public static Goal AtMost(double reach, double? aim = null) => new(Most, reach, aim);

    public static Goal AtLeast(double reach, double? aim = null) => new("≥ ", reach, aim);

    public string Cell(double? bound) => bound is { } value ? Sign + value.ToString("#,0.####", CultureInfo.InvariantCulture) : "—";

    /// <summary>False for NaN.</summary>
    public bool IsReachedBy(double figure) => Sign == Most ? figure <= Reach : figure >= Reach;
}
