using Microsoft.ML.Data;

namespace MlNetRms.Benchmarks.Accuracy.Families;

/// <summary>A kind of ordinary data that is hard for steps by coordinate. Each set is a pure function of its seed.</summary>
/// <param name="Name">Name in tables and tests.</param>
/// <param name="Large">Draws a set of the usual size.</param>
/// <param name="Small">Draws a set of the same kind that trains within about a second.</param>
/// <param name="Draws">How many sets show what the kind is like.</param>
internal sealed record Family(string Name, Func<ulong, ExampleSet> Large, Func<ulong, ExampleSet> Small, int Draws = 3)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Family> All { get; } =
    [
        .. CategoryFamilies.All, .. GroupFamilies.All, .. HeavyTailFamilies.All, .. RareValueFamilies.All, .. SmoothFamilies.All,
        .. WeightFamilies.All, .. PolynomialFamilies.All, .. WideFamilies.All,
    ];

    /// <summary>Makes a set row by row. A row with fewer values than zeros is stored sparse.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="fillRow">Writes the values of a row over zeros and returns its label; the number is that of the row.</param>
    /// <param name="weight">Example weight of the next row; null for no weights.</param>
    public static ExampleSet Make(int rows, int columns, Func<int, double[], double> fillRow, Func<double>? weight = null)
    {
        var features = new VBuffer<float>[rows];
        float[] labels = new float[rows];
        float[]? weights = weight is null ? null : new float[rows];
        double[] values = new double[columns];
        for (int row = 0; row < rows; row++)
        {
            Array.Clear(values);
            labels[row] = (float)fillRow(row, values);
            features[row] = Stored(values);
            if (weight is not null)
                weights![row] = (float)weight();
        }
        return new ExampleSet(features, labels, weights);
    }

    private static VBuffer<float> Stored(double[] values)
    {
        int count = values.Length - values.AsSpan().Count(0);
        if (2 * count >= values.Length)
            return new VBuffer<float>(values.Length, [.. values.Select(value => (float)value)]);
        float[] present = new float[count];
        int[] columns = new int[count];
        for (int i = 0, k = 0; k < count; i++)
        {
            if (values[i] != 0)
                (present[k], columns[k++]) = ((float)values[i], i);
        }
        return new VBuffer<float>(values.Length, count, present, columns);
    }
}
