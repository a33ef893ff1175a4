using System.Globalization;

namespace MlNetRms.Samples;

/// <summary>A row to be scored: the columns the model was trained on.</summary>
internal class Row
{
    public float Frequency { get; set; }

    public float AngleOfAttack { get; set; }

    public float Chord { get; set; }

    public float Velocity { get; set; }

    public float Thickness { get; set; }
}

/// <summary>A row and what the model says of it.</summary>
internal sealed class ScoredRow : Row
{
    public float Score { get; set; }
}

/// <summary>The two files that one program writes and the other reads.</summary>
/// <param name="folder">Where they are.</param>
internal sealed class Exchange(string folder)
{
    public string ModelPath => Path.Combine(folder, "model.zip");

    public string ScoresPath => Path.Combine(folder, "scores.csv");

    /// <summary>
    /// Writes a line a row: the features and the score, each as the 32 bits of the float in hexadecimal, so that nothing is rounded.
    /// </summary>
    public void WriteScores(IEnumerable<ScoredRow> rows) =>
        File.WriteAllLines(ScoresPath, rows.Select(row => string.Join(',',
            new[] { row.Frequency, row.AngleOfAttack, row.Chord, row.Velocity, row.Thickness, row.Score }.Select(Bits))));

    /// <summary>Reads what <see cref="WriteScores"/> wrote.</summary>
    /// <exception cref="UsageException">A file is missing, or a line is malformed.</exception>
    public ScoredRow[] ReadScores()
    {
        foreach (string path in new[] { ModelPath, ScoresPath })
            if (!File.Exists(path))
                throw new UsageException($"File '{path}' does not exist; run samples/SaveAndLoad/Train first.");
        ScoredRow[] rows = [.. File.ReadLines(ScoresPath).Select(Parse)];
        return rows.Length > 0 ? rows : throw new UsageException($"File '{ScoresPath}' has no rows.");
    }

    /// <summary>The bits of a float in hexadecimal.</summary>
    public static string Bits(float value) => BitConverter.SingleToUInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture);

    private ScoredRow Parse(string line, int index)
    {
        string[] fields = line.Split(',');
        if (fields.Length != 6)
            throw new UsageException($"File '{ScoresPath}', line {index + 1}: 6 numbers separated by commas are needed, there are {fields.Length}.");
        var numbers = new float[fields.Length];
        for (int i = 0; i < fields.Length; i++)
        {
            if (!uint.TryParse(fields[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint bits))
                throw new UsageException($"File '{ScoresPath}', line {index + 1}, column {i + 1}: '{fields[i]}' is not a hexadecimal number.");
            numbers[i] = BitConverter.UInt32BitsToSingle(bits);
        }
        return new ScoredRow
        {
            Frequency = numbers[0],
            AngleOfAttack = numbers[1],
            Chord = numbers[2],
            Velocity = numbers[3],
            Thickness = numbers[4],
            Score = numbers[5],
        };
    }
}
