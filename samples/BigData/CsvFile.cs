using System.Globalization;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Samples;

/// <summary>A file of made-up rows: features of very different size, and a label that is a linear function of them with noise.</summary>
internal static class CsvFile
{
    private const int FeatureCount = 20;
    private const int RowsBetweenReports = 10_000;
    private const double Noise = 0.5;

    /// <summary>Writes the file row by row. What is cut off by a break has another name.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static long Create(string path, long bytes, ProgressBar progress, CancellationToken cancellation)
    {
        long written = 0;
        string unfinished = path + ".tmp";
        using (var writer = new StreamWriter(unfinished, append: false, new UTF8Encoding(), bufferSize: 1 << 16))
        {
            var numbers = new SeededNumbers(seed: 1);
            Span<char> text = stackalloc char[32];
            for (long row = 0; written < bytes; row++)
            {
                if (row % RowsBetweenReports == 0)
                    progress.Show("writing the rows", (double)written / bytes);
                cancellation.ThrowIfCancellationRequested();
                double label = 2;
                for (int i = 0; i < FeatureCount; i++)
                {
                    double value = numbers.Gaussian();
                    label += value * Math.Cos(i);
                    written += Write(value * Math.Pow(10, i % 7 - 3) + i, ',', text);
                }
                written += Write(label + Noise * numbers.Gaussian(), '\n', text);
            }

            int Write(double number, char end, Span<char> characters)
            {
                ((float)number).TryFormat(characters, out int length, "g7", CultureInfo.InvariantCulture);
                characters[length] = end;
                writer.Write(characters[..(length + 1)]);
                return length + 1;
            }
        }
        File.Move(unfinished, path);
        return written;
    }

    /// <summary>The rows, read from the file each time they are asked for.</summary>
    public static IDataView View(MLContext ml, string path) => ml.Data.LoadFromTextFile(path,
        [new TextLoader.Column("Features", DataKind.Single, 0, FeatureCount - 1), new TextLoader.Column("Label", DataKind.Single, FeatureCount)],
        separatorChar: ',');
}
