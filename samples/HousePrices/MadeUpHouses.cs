using System.Globalization;

namespace MlNetRms.Samples;

/// <summary>Writes the file of this sample: made-up houses, the same on every machine.</summary>
internal static class MadeUpHouses
{
    private const int Count = 4000;

    private static readonly (string Name, double Price, double Share)[] _districts =
    [
        ("Old Town", 120, 0.12), ("Harbour", 70, 0.1), ("University", 60, 0.1), ("Garden City", 45, 0.14), ("Station", 5, 0.12),
        ("Riverside", 80, 0.08), ("North", -25, 0.12), ("South", -10, 0.1), ("Hillside", 55, 0.07), ("Industrial Park", -70, 0.03),
        ("Airport", -55, 0.02),
    ];

    private static readonly (string Name, double Price, double Share)[] _heatings =
        [("gas", 0, 0.45), ("district", 8, 0.25), ("heat pump", 22, 0.2), ("oil", -12, 0.08), ("stove", -30, 0.02)];

    private static readonly (string Words, double Price, double Share)[] _remarks =
    [
        ("quiet street", 6, 0.3), ("sunny balcony", 7, 0.3), ("needs renovation", -48, 0.12), ("newly renovated", 32, 0.15), ("sea view", 75, 0.04),
        ("garage", 14, 0.3), ("busy road", -18, 0.1), ("fitted kitchen", 5, 0.35), ("cellar", 3, 0.4), ("fireplace", 9, 0.1),
        ("near school", 2, 0.25), ("listed building", 12, 0.05), ("small garden", 4, 0.3), ("no lift", -6, 0.15), ("close to shops", 3, 0.3),
    ];

    public static void Write(string path)
    {
        var numbers = new SeededNumbers(seed: 7);
        using var file = new StreamWriter(path) { NewLine = "\n" };
        file.WriteLine(House.Header);
        for (int line = 0; line < Count; line++)
            file.WriteLine(Line(numbers));
    }

    private static string Line(SeededNumbers numbers)
    {
        double area = Math.Round(Math.Clamp(115 * Math.Exp(0.38 * numbers.Gaussian()), 25, 420));
        double rooms = Math.Clamp(Math.Round(1 + area / 28 + 0.7 * numbers.Gaussian()), 1, 12);
        double year = Math.Round(1890 + 134 * Math.Sqrt(numbers.Uniform()));
        double plot = Math.Round(Math.Max(0, 3.2 * area * Math.Exp(0.6 * numbers.Gaussian()) - 120));
        double distance = Math.Round(0.4 + 14 * Math.Pow(numbers.Uniform(), 1.4), 1);
        (string district, double ofDistrict, _) = Choice(numbers, _districts);
        (string heating, double ofHeating, _) = Choice(numbers, _heatings);
        (string Words, double Price, double Share)[] remarks = [.. _remarks.Where(remark => numbers.Uniform() < remark.Share)];
        double expected = 40 + 2.35 * area + 6 * rooms + 0.9 * (year - 1960) + 0.05 * plot - 8.5 * distance + ofDistrict + ofHeating
            + remarks.Sum(remark => remark.Price);
        // Large houses are harder to price, and some buyers pay far more than others.
        double noise = (14 + 0.16 * area) * (numbers.Uniform() < 0.1 ? 2.2 * Math.Abs(numbers.Gaussian()) : numbers.Gaussian());
        double price = Math.Round(Math.Max(expected + noise, 30), 1);
        return string.Join(',',
            Text(area, missing: numbers.Uniform() < 0.02), Text(rooms), Text(year, missing: numbers.Uniform() < 0.08), Text(plot), Text(distance),
            district, heating, $"\"{string.Join(", ", remarks.Select(remark => remark.Words))}\"", Text(price));
    }

    private static (string Name, double Price, double Share) Choice(SeededNumbers numbers, (string Name, double Price, double Share)[] choices)
    {
        double left = numbers.Uniform() * choices.Sum(choice => choice.Share);
        return choices.First(choice => (left -= choice.Share) < 0);
    }

    private static string Text(double value, bool missing = false) => missing ? "" : value.ToString(CultureInfo.InvariantCulture);
}
