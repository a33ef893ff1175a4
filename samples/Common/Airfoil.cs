using System.Globalization;

namespace MlNetRms.Samples;

/// <summary>The noise of an airfoil in a wind tunnel: five measured quantities of very different size, and the sound level.</summary>
internal sealed class Airfoil
{
    /// <summary>The features, in the order of the file's columns.</summary>
    public static readonly string[] FeatureNames =
        [nameof(Frequency), nameof(AngleOfAttack), nameof(Chord), nameof(Velocity), nameof(Thickness)];

    /// <summary>The units of the features.</summary>
    public static readonly string[] FeatureUnits = ["Hz", "degree", "m", "m/s", "m"];

    /// <summary>The label.</summary>
    public const string LabelName = nameof(SoundLevel);

    /// <summary>Rows of the embedded data.</summary>
    private const int EmbeddedRows = 1500;

    /// <summary>Fewer rows than this cannot be split and fitted with five features.</summary>
    private const int FewestRows = 20;

    /// <summary>Hz.</summary>
    public float Frequency { get; set; }

    /// <summary>Degrees.</summary>
    public float AngleOfAttack { get; set; }

    /// <summary>Metres.</summary>
    public float Chord { get; set; }

    /// <summary>Of the free stream, in metres per second.</summary>
    public float Velocity { get; set; }

    /// <summary>Displacement thickness on the suction side, in metres.</summary>
    public float Thickness { get; set; }

    /// <summary>Scaled sound pressure level, in decibels.</summary>
    public float SoundLevel { get; set; }

    /// <summary>The features, in the order of <see cref="FeatureNames"/>.</summary>
    public float[] Features() => [Frequency, AngleOfAttack, Chord, Velocity, Thickness];

    /// <summary>The rows of a file, or the embedded ones if there is no file.</summary>
    /// <param name="path">Lines of six numbers, separated by tabs, without header, the label last; or null.</param>
    /// <exception cref="UsageException">The file is missing or too short, or a line is malformed.</exception>
    public static Airfoil[] Load(string? path) => path is null ? Embedded() : Read(path);

    /// <summary>Where the rows came from, for the reader of the output.</summary>
    public static string Describe(string? path, int rowCount) => path is null
        ? $"{rowCount} made-up rows of airfoil noise (--data FILE takes the real file)"
        : $"{rowCount} rows from {path}";

    /// <summary>
    /// Made-up rows with the columns and ranges of NASA's airfoil set. Sound is loudest where frequency · thickness /
    /// velocity has a certain value and falls off on both sides of it, so a straight line explains about half of it.
    /// </summary>
    private static Airfoil[] Embedded()
    {
        double[] chords = [0.0254, 0.0508, 0.1016, 0.1524, 0.2286, 0.3048];
        double[] velocities = [31.7, 39.6, 55.5, 71.3];
        double[] thirdsOfAnOctave = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8];
        var numbers = new SeededNumbers(seed: 1);
        var rows = new List<Airfoil>(EmbeddedRows);
        while (rows.Count < EmbeddedRows)
        {
            int band = 3 + numbers.Below(21);
            double frequency = 100 * Math.Pow(10, band / 10) * thirdsOfAnOctave[band % 10];
            double chord = chords[numbers.Below(chords.Length)];
            double velocity = velocities[numbers.Below(velocities.Length)];
            double steepest = 22.2 - 30 * chord;
            double angle = numbers.Uniform() < 0.2 ? 0 : Math.Round(steepest * numbers.Uniform(), 1);
            double thickness = Math.Round(0.0155 * chord * Math.Pow(10, 0.072 * angle) * Math.Pow(velocity / 50, -0.2), 6);

            double fromPeak = Math.Log10(frequency * thickness / velocity / 0.08);
            double level = 131 + 22 * Math.Log10(velocity / 50) - 14 * (Math.Sqrt(1 + fromPeak * fromPeak) - 1)
                - 30 * (chord - 0.14) + 2.2 * numbers.Gaussian();
            // The real measurements have a floor, below which the tunnel itself is louder.
            if (level is < 103 or > 141)
                continue;
            rows.Add(new Airfoil
            {
                Frequency = (float)frequency,
                AngleOfAttack = (float)angle,
                Chord = (float)chord,
                Velocity = (float)velocity,
                Thickness = (float)thickness,
                SoundLevel = (float)Math.Round(level, 3),
            });
        }
        return [.. rows];
    }

    private static Airfoil[] Read(string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"File '{path}' does not exist.");
        var rows = new List<Airfoil>();
        int lineNumber = 0;
        foreach (string line in File.ReadLines(path))
        {
            lineNumber++;
            if (!string.IsNullOrWhiteSpace(line))
                rows.Add(Parse(line, path, lineNumber));
        }
        if (rows.Count < FewestRows)
            throw new UsageException($"File '{path}' has {rows.Count} rows; at least {FewestRows} are needed.");
        if (rows.DistinctBy(row => row.SoundLevel).Count() == 1)
            throw new UsageException($"File '{path}': all rows have the same label (the last number), so there is nothing to learn.");
        if (rows.All(row => row.Features().SequenceEqual(rows[0].Features())))
            throw new UsageException($"File '{path}': all rows have the same features, so nothing can be predicted from them.");
        return [.. rows];
    }

    private static Airfoil Parse(string line, string path, int lineNumber)
    {
        string[] fields = line.Split('\t');
        if (fields.Length != FeatureNames.Length + 1)
            throw new UsageException(
                $"File '{path}', line {lineNumber}: {FeatureNames.Length + 1} numbers separated by tabs are needed, there are {fields.Length}.");
        var numbers = new float[fields.Length];
        for (int i = 0; i < fields.Length; i++)
            if (!float.TryParse(fields[i], NumberStyles.Float, CultureInfo.InvariantCulture, out numbers[i]) || !float.IsFinite(numbers[i]))
                throw new UsageException($"File '{path}', line {lineNumber}, column {i + 1}: '{fields[i]}' is not a finite number.");
        return new Airfoil
        {
            Frequency = numbers[0],
            AngleOfAttack = numbers[1],
            Chord = numbers[2],
            Velocity = numbers[3],
            Thickness = numbers[4],
            SoundLevel = numbers[5],
        };
    }
}
