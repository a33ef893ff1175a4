namespace MlNetRms.Samples;

/// <summary>The rows as the chapter wants them: standardised, and the first 1500 of them.</summary>
/// <param name="Features">Rows of standardised features.</param>
/// <param name="Labels">Standardised labels.</param>
internal sealed record BookRows(float[][] Features, float[] Labels)
{
    private const int MostRows = 1500;

    public int Count => Labels.Length;

    public int FeatureCount => Features[0].Length;

    public static BookRows From(Airfoil[] airfoils)
    {
        float[][] rows = [.. Standardized.From(airfoils).Rows.Take(MostRows).Select(row => Array.ConvertAll(row, x => (float)x))];
        return new([.. rows.Select(row => row[..^1])], [.. rows.Select(row => row[^1])]);
    }
}
