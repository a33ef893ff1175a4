namespace MlNetRms.Samples;

/// <summary>Columns brought to mean 0 and standard deviation 1, and how to come back.</summary>
internal sealed class Standardized
{
    private Standardized(double[] mean, double[] deviation, double[][] rows) => (Mean, Deviation, Rows) = (mean, deviation, rows);

    /// <summary>Mean of each column; the label is the last one.</summary>
    public double[] Mean { get; }

    /// <summary>Standard deviation of each column over all rows (not n − 1); 1 for a column that does not vary.</summary>
    public double[] Deviation { get; }

    /// <summary>The standardised rows, label last.</summary>
    public double[][] Rows { get; }

    /// <summary>Standardises features and label over all the given rows.</summary>
    public static Standardized From(IReadOnlyList<Airfoil> airfoils)
    {
        double[][] raw = [.. airfoils.Select(airfoil => Array.ConvertAll<float, double>([.. airfoil.Features(), airfoil.SoundLevel], x => x))];
        int[] columns = [.. Enumerable.Range(0, raw[0].Length)];
        double[] mean = [.. columns.Select(column => raw.Average(row => row[column]))];
        double[] variance = [.. columns.Select(column => raw.Average(row => Math.Pow(row[column] - mean[column], 2)))];
        double[] deviation = [.. columns.Select(column => variance[column] > 0 ? Math.Sqrt(variance[column]) : 1)];
        return new(mean, deviation, [.. raw.Select(row => columns.Select(column => (row[column] - mean[column]) / deviation[column]).ToArray())]);
    }
}
