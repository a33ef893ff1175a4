using System.Globalization;

namespace MlNetRms.Samples;

/// <summary>The file of rows, which all ranks read: a label and features of different sizes that depend on each other.</summary>
internal static class RowsFile
{
    public const int FeatureCount = 20;

    public static void Write(string path, int rows)
    {
        var random = new SeededNumbers(1);
        using StreamWriter file = File.CreateText(path);
        for (int row = 0; row < rows; row++)
        {
            double common = random.Gaussian();
            double[] features = [.. Enumerable.Range(1, FeatureCount).Select(size => size * (random.Gaussian() + common))];
            double label = features.Select((feature, i) => feature * (i % 3 - 1)).Sum() + 10 * random.Gaussian();
            file.WriteLine(string.Join(',', features.Prepend(label).Select(value => value.ToString("g6", CultureInfo.InvariantCulture))));
        }
    }
}
